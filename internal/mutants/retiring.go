package main

// retiring are mistakes in taking the old key away.
var retiring = []mutant{
	{
		name: "the old key is deleted without having been deactivated",
		file: "rotator/retire.go",
		old:  "return Step{Name: StepDisable, Do: DoChange, Key: p.Old, Change: Disable, Why: WhyRetire}, true",
		new:  "return Step{Name: StepDisable, Do: DoChange, Key: p.Old, Change: Remove, Why: WhyRetire}, true",
		why:  "A reader that nobody knew of breaks, and nothing can bring the key back.",
	},
	{
		name: "the sinks are not verified again before a key is taken away",
		file: "rotator/retire.go",
		old:  "if now.Sub(p.VerifiedAt()) > verifiedFor {",
		new:  "if false {",
		why:  "After a day of soak a store may serve the old key again, which is then deleted.",
	},
	{
		name: "grace is skipped",
		file: "rotator/retire.go",
		old:  "if at := from.Add(pol.Grace); now.Before(at) {",
		new:  "if at := from.Add(0 * pol.Grace); now.Before(at) {",
		why:  "Jobs that began with the old key lose it while they run.",
	},
	{
		name: "the old key's last use is not read",
		file: "rotator/retire.go",
		old:  "return Step{Name: StepQuiet, Do: DoObserve, Key: p.Old}, true",
		new:  "return Step{}, false",
		why:  "A reader that no store knows of would be seen by nothing else.",
	},
	{
		name: "a use of the old key that is seen does not hold",
		file: "rotator/retire.go",
		old:  "if pol.IgnoreUse || p.leaking(s) {",
		new:  "if true || pol.IgnoreUse || p.leaking(s) {",
		why:  "A reader that no store knows of breaks.",
	},
	{
		name: "the second reading of the last use comes at once",
		file: "rotator/retire.go",
		old:  "if at := first.At.Add(max(pol.Grace, usesShowAfter)); last.At.Before(at) {",
		new:  "if at := first.At.Add(0 * usesShowAfter); last.At.Before(at) {",
		why:  "AWS shows a use minutes late: the second reading would never show one.",
	},
	{
		name: "quiet is skipped",
		file: "rotator/retire.go",
		old:  "pol.Quiet > 0 && last.At.Before(at)",
		new:  "false && last.At.Before(at)",
		why:  "The time without use that the operator asked for is not kept.",
	},
	{
		name: "soak is skipped",
		file: "rotator/retire.go",
		old:  "if at := rec.DisabledAt.Add(pol.Soak); now.Before(at) {",
		new:  "if at := rec.DisabledAt.Add(0 * pol.Soak); now.Before(at) {",
		why:  "The time in which the old key can be restored is gone.",
	},
	{
		name: "an old key that somebody reactivated is deleted",
		file: "rotator/retire.go",
		old:  "if k, _ := w.key(p.Old); k.Status == Active && w.after(rec.DisabledSeq) {",
		new:  "if k, _ := w.key(p.Old); false && k.Status == Active && w.after(rec.DisabledSeq) {",
		why:  "Who reactivated it needs it.",
	},
	{
		name: "the old key stays Inactive when a sink serves it again",
		file: "rotator/retire.go",
		old:  "if !stale || p.Old == \"\" ||",
		new:  "if true || !stale || p.Old == \"\" ||",
		why:  "That sink's readers fail until it is pushed to.",
	},
	{
		name: "an observation never goes stale",
		file: "rotator/world.go",
		old:  "return w.seen() && now.Sub(w.At) < freshFor",
		new:  "return w.seen()",
		why:  "A key is taken away by what was true minutes ago.",
	},
}
