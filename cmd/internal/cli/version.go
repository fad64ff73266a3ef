package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release.
var version = ""

// Version names this build: the release, or the revision it was built from.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}

func (h *host) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Prints which keyturn this is",
		Args:  cobra.NoArgs,
		RunE: action(func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(h.stdout, "keyturn", Version())
			return err
		}),
	}
}
