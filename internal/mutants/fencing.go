package main

// fencing are mistakes in keeping several processes apart.
var fencing = []mutant{
	{
		name: "a foreign claim is ignored",
		file: "rotator/claim.go",
		old:  "if c := x.state.Claim; c != nil && c.Owner.ID != x.Journal.Owner().ID && !x.Journal.Gone(c.Owner) {",
		new:  "if c := x.state.Claim; false && c != nil && c.Owner.ID != x.Journal.Owner().ID && !x.Journal.Gone(c.Owner) {",
		why:  "Two processes rotate one user.",
	},
	{
		name: "a claim is taken over the moment it runs out",
		file: "rotator/claim.go",
		old:  "if free := c.Until.Add(awsFor); now.Before(free) {",
		new:  "if free := c.Until.Add(0 * awsFor); now.Before(free) {",
		why:  "A call that its owner has just made still lands.",
	},
	{
		name: "an effect may outlast the claim",
		file: "rotator/claim.go",
		old:  "end := x.until.Add(-time.Second)",
		new:  "end := x.until.Add(time.Hour)",
		why:  "Its call lands when somebody else has taken over.",
	},
	{
		name: "being fenced is not noticed on an append",
		file: "rotator/record.go",
		old:  "if x.foreign() {",
		new:  "if false {",
		why:  "Two processes rotate one user.",
	},
	{
		name: "an intent is appended whatever has happened meanwhile",
		file: "rotator/record.go",
		old:  "if intent && len(again.Events) > old {",
		new:  "if false && intent && len(again.Events) > old {",
		why:  "What was decided before a leak report or another process's step is done after it.",
	},
	{
		name: "one's own event is not recognised after an error",
		file: "rotator/record.go",
		old:  "if again.Has(e.ID) {",
		new:  "if false {",
		why:  "What was written counts as not written.",
	},
	{
		name: "what was seen before the claim still counts",
		file: "rotator/claim.go",
		old:  "		x.world = World{}\n",
		new:  "",
		why:  "The guards judge a world from before another process's work.",
	},
	{
		name: "a run goes on with the rotation it knew before it had the claim",
		file: "rotator/claim.go",
		old:  "			x.join()\n",
		new:  "",
		why:  "The new key's events and secret go to a rotation that is over.",
	},
}
