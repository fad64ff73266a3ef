package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) sealCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Makes, and changes, what seals the journal",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(h.keygenCommand(), h.resealCommand())
	return cmd
}

func (h *host) keygenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen FILE",
		Short: "Writes a fresh seal key (mode 0600); never overwrites",
		Args:  cobra.ExactArgs(1),
		RunE: action(func(_ *cobra.Command, args []string) error {
			fingerprint, err := app.Keygen(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(h.stdout, "%s: a new seal key, fingerprint %s; keep a copy apart from the journal's backups\n", args[0], fingerprint)
			return err
		}),
	}
}

func (h *host) resealCommand() *cobra.Command {
	var old app.OldSeal
	cmd := &cobra.Command{
		Use:   "reseal",
		Short: "Seals what the journal keeps anew, with what the configuration names now",
		Long: `Seals what the journal keeps anew, with what the configuration names now. First put the new key into the
configuration, then name the one before with --old or --old-kms. What is sealed with the new one already is left, so
it can be run again. Restart whatever still runs with the old one.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&old.File, "old", "", "key `file` that sealed the journal before")
	cmd.Flags().StringVar(&old.KMSID, "old-kms", "", "`id` of the KMS key that sealed the journal before")
	cmd.RunE = action(func(cmd *cobra.Command, _ []string) error {
		if (old.File == "") == (old.KMSID == "") {
			return usagef("seal reseal: name what sealed the journal before with --old or --old-kms")
		}
		a, err := h.open(cmd.Context(), app.Write)
		if err != nil {
			return err
		}
		defer a.Close()
		n, err := a.Reseal(cmd.Context(), old)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h.stdout, "%d pending secrets are sealed anew\n", n)
		return err
	})
	return cmd
}
