package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// unbuilt is a command that is described and not there yet: refused, whatever its arguments, never ignored.
func unbuilt(use, short string) *cobra.Command {
	name, _, _ := strings.Cut(use, " ")
	return &cobra.Command{
		Use:                use,
		Short:              short + " (not in this version)",
		DisableFlagParsing: true,
		RunE:               func(*cobra.Command, []string) error { return notYet(name) },
	}
}
