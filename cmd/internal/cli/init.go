package cli

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Writes a first configuration from the IAM users that are there; never overwrites",
		Args:  cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			file := cmp.Or(h.config, os.Getenv("KEYTURN_CONFIG"), "keyturn.yaml")
			users, err := app.Init(cmd.Context(), file, h.log)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(h.stdout, "%s: a first configuration with %d robots; read it, name their sinks, then run `keyturn check`\n", file, users)
			return err
		}),
	}
}
