package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) planCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [ROBOT...]",
		Short: "Says what rotate would do, when and why; calls only read operations",
	}
	output := outputFlag(cmd)
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		return h.plan(cmd, app.RotateOptions{Robots: args}, *output)
	})
	return cmd
}

func (h *host) plan(cmd *cobra.Command, o app.RotateOptions, output string) error {
	a, err := h.open(cmd.Context(), app.Read)
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err := a.List(o.Robots); err != nil {
		return err
	}
	return h.reports(a.Plan(cmd.Context(), o), output, func(in app.Inspection) {
		for _, s := range in.Report.Plan {
			fmt.Fprintf(h.stdout, "%s: %s\n", in.Robot, s)
		}
		h.findings(in)
	})
}

// reports prints what inspections found: the document, or each by text; then what failed.
func (h *host) reports(found []app.Inspection, output string, text func(app.Inspection)) error {
	if output == "json" {
		doc := robotsDocument{}
		for _, in := range found {
			doc.Robots = append(doc.Robots, listReport(in.Report))
		}
		if err := printJSON(h.stdout, doc); err != nil {
			return err
		}
	}
	code := exitDone
	for _, in := range found {
		if output == "text" {
			text(in)
		}
		if in.Err != nil {
			code = exitFailed
			fmt.Fprintf(h.stderr, "keyturn: %s: %v\n", in.Robot, in.Err)
		}
	}
	if code == exitDone {
		return nil
	}
	return &exit{code: code}
}

// findings prints what is wrong or worth knowing. An error is said by reports.
func (h *host) findings(in app.Inspection) {
	for _, p := range in.Report.Problems {
		if in.Err == nil || p != in.Err.Error() {
			fmt.Fprintf(h.stdout, "%s: problem: %s\n", in.Robot, p)
		}
	}
	if hold := in.Report.Hold; hold != nil {
		fmt.Fprintf(h.stdout, "%s: held (%s): %s\n", in.Robot, hold.Code, hold.Message)
		fmt.Fprintf(h.stdout, "%s: to resolve it: %s\n", in.Robot, hold.Resolve)
	}
	for _, w := range in.Report.Warnings {
		fmt.Fprintf(h.stdout, "%s: warning: %s\n", in.Robot, w)
	}
}
