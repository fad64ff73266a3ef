package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
	"keyturn/rotator"
)

func (h *host) historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history [ROBOT]",
		Short: "Lists past rotations from the journal, newest first",
		Args:  cobra.MaximumNArgs(1),
	}
	output := outputFlag(cmd)
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		a, err := h.open(cmd.Context(), app.Read)
		if err != nil {
			return err
		}
		defer a.Close()
		if _, err := a.List(args); err != nil {
			return err
		}
		past, err := a.History(cmd.Context(), args)
		if err != nil {
			return err
		}
		if *output == "json" {
			doc := rotationsDocument{Rotations: []rotator.Rotation{}}
			for _, r := range past {
				doc.Rotations = append(doc.Rotations, listRotation(r))
			}
			return printJSON(h.stdout, doc)
		}
		return h.history(past)
	})
	return cmd
}

func (h *host) history(past []rotator.Rotation) error {
	if len(past) == 0 {
		_, err := fmt.Fprintln(h.stdout, "no rotations yet")
		return err
	}
	t := tabwriter.NewWriter(h.stdout, 2, 8, 2, ' ', 0)
	fmt.Fprintln(t, "STARTED\tROBOT\tROTATION\tTRIGGER\tSTEP\tOLD KEY\tNEW KEY\tFINISHED")
	for _, r := range past {
		end := "-"
		if !r.FinishedAt.IsZero() {
			end = app.Stamp(r.FinishedAt)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			app.Stamp(r.StartedAt), r.Robot, r.ID, r.Trigger, r.Step, dash(string(r.OldKeyID)), dash(string(r.NewKeyID)), end)
	}
	return t.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
