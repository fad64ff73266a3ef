package cli

import (
	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

// operate runs an operator's decision about one robot and shows it as rotate does.
func (h *host) operate(cmd *cobra.Command, robot []string, output string, do func(*app.App, progress) app.Result) error {
	if err := checkOutput(output); err != nil {
		return err
	}
	a, err := h.open(cmd.Context(), app.Write)
	if err != nil {
		return err
	}
	defer a.Close()
	robots, err := a.List(robot)
	if err != nil {
		return err
	}
	p := h.progress(output, robots)
	res := do(a, p)
	p.finished(res)
	p.close()
	return h.results([]app.Result{res}, output)
}
