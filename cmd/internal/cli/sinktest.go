package cli

import (
	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) sinktestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sinktest PLUGIN [ARG...]",
		Short: "Runs the conformance suite against an exec sink; it writes made-up pairs to its destination",
		Args:  cobra.MinimumNArgs(1),
	}
	config := cmd.Flags().StringToString("with", nil, "`name=value` of the plugin's config; may be repeated")
	cmd.Flags().SetInterspersed(false) // what follows the plugin is the plugin's
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		return app.Conformance(cmd.Context(), args, *config, h.stdout)
	})
	return cmd
}
