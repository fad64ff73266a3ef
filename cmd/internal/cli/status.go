package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
	"keyturn/rotator"
)

func (h *host) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [ROBOT...]",
		Short: "Shows robots, their keys and ages, what each sink serves, and what is pending",
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
		return h.reports(a.Status(cmd.Context(), args), *output, h.status)
	})
	return cmd
}

// status prints one robot as a block.
func (h *host) status(in app.Inspection) {
	r := in.Report
	fmt.Fprintf(h.stdout, "%s  (IAM user %s in %s)  %s\n", r.Robot, r.User, r.Account, standing(r))
	t := tabwriter.NewWriter(h.stdout, 2, 8, 2, ' ', 0)
	for _, k := range r.Keys {
		fmt.Fprintf(t, "  key\t%s\t%s\n", k.ID, strings.Join(keyFacts(k), ", "))
	}
	for _, s := range r.Sinks {
		fmt.Fprintf(t, "  sink\t%s\t%s\n", s.Name, strings.Join(sinkFacts(s), ", "))
	}
	_ = t.Flush()
	h.findings(in)
}

func standing(r rotator.Report) string {
	s := string(r.Step)
	switch r.Step {
	case rotator.StepNone, rotator.StepDone, rotator.StepFailed, rotator.StepAbandoned, "":
		if r.NextAt.IsZero() {
			return "nothing in flight, nothing scheduled"
		}
		return "nothing in flight, next rotation owed " + app.Stamp(r.NextAt)
	case rotator.StepHeld:
		return s
	}
	if !r.NextAt.IsZero() {
		s += ", goes on " + app.Stamp(r.NextAt)
	}
	return "in flight: " + s
}

func keyFacts(k rotator.KeyReport) []string {
	facts := []string{string(k.Status), fmt.Sprintf("made %s (%s ago)", app.Stamp(k.CreatedAt), age(time.Since(k.CreatedAt)))}
	if k.LastUsedAt.IsZero() {
		facts = append(facts, "never seen in use")
	} else {
		facts = append(facts, "last used "+app.Stamp(k.LastUsedAt))
	}
	if k.Role != "" {
		facts = append(facts, k.Role)
	}
	return facts
}

func sinkFacts(s rotator.SinkReport) []string {
	facts := []string{s.Kind}
	if !s.Required {
		facts = append(facts, "optional")
	}
	if s.Serving != "" {
		facts = append(facts, "serves "+string(s.Serving))
	}
	if s.State != "" {
		facts = append(facts, string(s.State))
	}
	if s.Evidence != 0 {
		facts = append(facts, s.Evidence.String())
	}
	if s.Error != "" {
		facts = append(facts, s.Error)
	}
	return facts
}

// age is a duration in its largest whole unit.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	}
	return fmt.Sprintf("%d minutes", max(int(d/time.Minute), 0))
}
