package main

// leaking are mistakes with keys that have leaked.
var leaking = []mutant{
	{
		name: "the leak deadline is ignored",
		file: "rotator/next.go",
		old:  "|| !now.Before(k.LeakedBy) {",
		new:  "{",
		why:  "A store that is down keeps a leaked key alive.",
	},
	{
		name: "a wait is not ended by the leak deadline",
		file: "rotator/next.go",
		old:  "step.Do == DoWait && !at.IsZero() && at.Before(step.Until) {",
		new:  "false && at.Before(step.Until) {",
		why:  "A leaked key lives as long as the backoff of a sink.",
	},
	{
		name: "a slow sink is not interrupted by the leak deadline",
		file: "rotator/claim.go",
		old:  "by.After(now) && by.Before(end) {",
		new:  "false && by.After(now) && by.Before(end) {",
		why:  "A leaked key lives as long as a store hangs.",
	},
	{
		name: "contain_first does not contain first",
		file: "rotator/leak.go",
		old:  "if x.policy.OnLeak != ContainFirst || x.req.Suspected {",
		new:  "if true {",
		why:  "The operator's word is ignored.",
	},
	{
		name: "a suspected key is contained like a leaked one",
		file: "rotator/next.go",
		old:  "if !l.Suspected {",
		new:  "if true || !l.Suspected {",
		why:  "A false alarm breaks a pipeline.",
	},
	{
		name: "restore brings a leaked key back",
		file: "rotator/operator.go",
		old:  "if x.state.Key(p.Old).Leaked {",
		new:  "if false {",
		why:  "Whoever has it is let in again.",
	},
	{
		name: "a stale sink brings a contained key back",
		file: "rotator/retire.go",
		old:  "rec.DisabledAt.IsZero() || rec.Leaked || rec.Deleted {",
		new:  "rec.DisabledAt.IsZero() || rec.Deleted {",
		why:  "Whoever has it is let in again.",
	},
	{
		name: "a leaked new key is kept",
		file: "rotator/next.go",
		old:  "if p.New.ID == \"\" || !s.Key(p.New.ID).Leaked {",
		new:  "if true || p.New.ID == \"\" || !s.Key(p.New.ID).Leaked {",
		why:  "The stores go on serving a key that is public.",
	},
	{
		name: "a leak that no rotation has answered is forgotten",
		file: "rotator/fold.go",
		old:  "		s.Owed = &b\n",
		new:  "		_ = b\n",
		why:  "A crash after the report leaves a leaked key in service.",
	},
}
