package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
	"keyturn/rotator"
)

func (h *host) rotateCommand() *cobra.Command {
	var o app.RotateOptions
	var all, dryRun bool
	cmd := &cobra.Command{
		Use:   "rotate [ROBOT...]",
		Short: "Finishes what is in flight and starts what is owed, or, with --now, what you name",
		Long: `Finishes what is in flight for each robot, and starts a rotation if one is owed, or now with --now.
Without a ROBOT it works on all of them.

It returns when every required sink is shown to serve the new key. If the old key is to be retired later it says
when; run it again then, or use --wait. Running it again is always safe: it goes on where the journal ends.`,
	}
	f := cmd.Flags()
	f.BoolVar(&o.Now, "now", false, "start a rotation even if none is owed")
	f.BoolVar(&all, "all", false, "all robots; needed to use --now or --retire-now without naming any")
	f.StringVar(&o.Reason, "reason", "", "`text` for the journal")
	f.BoolVar(&o.Wait, "wait", false, "return only when the old key is deleted")
	f.BoolVar(&o.RetireNow, "retire-now", false, "skip grace, quiet and soak of this rotation")
	f.BoolVar(&dryRun, "dry-run", false, "only say what would happen; the same as plan")
	output := outputFlag(cmd)
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		switch {
		case all && len(args) > 0:
			return usagef("--all: name robots or say --all, not both")
		case (o.Now || o.RetireNow) && len(args) == 0 && !all:
			return usagef("--now and --retire-now need the robots' names, or --all")
		}
		o.Robots = args
		if dryRun {
			return h.plan(cmd, o, *output)
		}
		return h.rotate(cmd, o, *output)
	})
	return cmd
}

func (h *host) rotate(cmd *cobra.Command, o app.RotateOptions, output string) error {
	a, err := h.open(cmd.Context(), app.Write)
	if err != nil {
		return err
	}
	defer a.Close()
	robots, err := a.List(o.Robots)
	if err != nil {
		return err
	}
	p := h.progress(output, robots)
	results := a.Rotate(cmd.Context(), o, p.event, p.finished)
	p.close()
	return h.results(results, output)
}

func (h *host) progress(output string, robots []app.Listed) progress {
	if output == "json" {
		return silent{}
	}
	return newProgress(h.stdout, h.stderr, robots)
}

// results prints the document, says what failed, and makes one exit code of many robots.
func (h *host) results(results []app.Result, output string) error {
	if output == "json" {
		doc := rotationsDocument{Rotations: []rotator.Rotation{}}
		for _, res := range results {
			doc.Rotations = append(doc.Rotations, listRotation(res.Rotation))
		}
		if err := printJSON(h.stdout, doc); err != nil {
			return err
		}
	}
	code := exitDone
	for _, res := range results {
		if res.Err == nil {
			continue
		}
		c := codeOf(res.Err)
		code = worst(code, c)
		if c != exitHeld || res.Rotation.Hold == nil { // a hold is a result, said on stdout
			fmt.Fprintf(h.stderr, "keyturn: %s: %v\n", res.Robot, res.Err)
		}
	}
	if code == exitDone {
		return nil
	}
	return &exit{code: code}
}
