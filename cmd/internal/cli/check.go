package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [ROBOT...]",
		Short: "Pre-flight: configuration, IAM permissions, journal, seal, and every sink reachable and writable",
	}
	output := outputFlag(cmd)
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		a, err := h.open(cmd.Context(), app.Write)
		if err != nil {
			return err
		}
		defer a.Close()
		if _, err := a.List(args); err != nil {
			return err
		}
		found := a.Check(cmd.Context(), args)
		code := exitDone
		for _, in := range found {
			if len(in.Report.Problems) > 0 {
				code = exitFailed
			}
		}
		if err := h.reports(found, *output, h.check); err != nil {
			return err
		}
		if code != exitDone {
			return &exit{code: code}
		}
		return nil
	})
	return cmd
}

func (h *host) check(in app.Inspection) {
	h.findings(in)
	if in.Err == nil && len(in.Report.Problems) == 0 {
		fmt.Fprintf(h.stdout, "%s: ready to rotate\n", in.Robot)
	}
}
