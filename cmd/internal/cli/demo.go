package cli

import (
	"github.com/spf13/cobra"

	"keyturn/internal/demo"
)

func (h *host) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "The whole story with nothing but this program: a stand-in for AWS, file sinks, a crash",
		Args:  cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), demo.Options{Out: h.stdout})
		}),
	}
}
