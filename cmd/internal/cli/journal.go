package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) journalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Looks after the journal",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "backup FILE",
		Short: "Writes a consistent copy (mode 0600) while keyturn runs; secrets in it stay sealed; never overwrites",
		Args:  cobra.ExactArgs(1),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			a, err := h.open(cmd.Context(), app.Read)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(h.stdout, "%s: a copy of the journal\n", args[0])
			return err
		}),
	})
	return cmd
}
