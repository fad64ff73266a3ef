package cli

import (
	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore ROBOT",
		Short: "Reactivates the old key while it still exists, and holds the rotation",
		Long: `Reactivates the old key while it still exists, and holds the rotation, so that nothing retires it again. Then resolve
that: --retry goes on and retires the old key after all, --abandon ends the rotation with both keys as they are. A key
that has leaked is refused.`,
		Args: cobra.ExactArgs(1),
	}
	reason := cmd.Flags().String("reason", "", "`text` for the journal")
	output := outputFlag(cmd)
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		return h.operate(cmd, args, *output, func(a *app.App, p progress) app.Result {
			return a.Restore(cmd.Context(), args[0], *reason, p.event)
		})
	})
	return cmd
}
