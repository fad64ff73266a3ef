package main

// storing are mistakes in keeping the secret and the log.
var storing = []mutant{
	{
		name: "the secret is forgotten once the key is probed",
		file: "rotator/act.go",
		old:  "return x.outcome(Probed{ARN: p.Started.ARN, Role: pol.Role})",
		new:  "return errors.Join(x.Journal.Forget(ctx, p.ID), x.outcome(Probed{ARN: p.Started.ARN, Role: pol.Role}))",
		why:  "A sink that is down now can never be served.",
	},
	{
		name: "the secret is forgotten while an optional sink waits for it",
		file: "rotator/act.go",
		old:  "keep := step.Outcome == Done && len(unserved(p.live(false))) > 0",
		new:  "keep := false",
		why:  "The optional sink can never be served.",
	},
	{
		name: "the secret is never forgotten",
		file: "rotator/act.go",
		old:  "	if !keep {\n",
		new:  "	if false {\n",
		why:  "The journal becomes a store of live secrets.",
	},
	{
		name: "a sealed secret opens for any rotation and key",
		file: "rotator/seal/blob.go",
		old:  "strings.ToLower(b.User), string(b.Rotation), string(b.Key)} {",
		new:  "strings.ToLower(b.User)} {",
		why:  "A row that was moved in the journal serves the wrong pair.",
	},
	{
		name: "a sealed secret opens for any user",
		file: "rotator/seal/blob.go",
		old:  "string(raw), b.Account, strings.ToLower(b.User), string(b.Rotation)",
		new:  "string(raw), strings.ToLower(\"\"), string(b.Rotation)",
		why:  "A row that was moved in the journal gives one robot's pair to another.",
	},
	{
		name: "sealing is not tried before a key exists",
		file: "rotator/seal/aesgcm.go",
		old:  "	if err := prove(a, s); err != nil {",
		new:  "	if err := prove(a, s); false {",
		why:  "A key is made whose secret cannot be sealed.",
	},
	{
		name: "Forget leaves the bytes in the file",
		file: "rotator/journal/sqlite.go",
		old:  "err := s.write(ctx, true, func(ctx context.Context, tx *sql.Conn) error {\n		_, err := tx.ExecContext(ctx, sqlForget",
		new:  "err := s.write(ctx, false, func(ctx context.Context, tx *sql.Conn) error {\n		_, err := tx.ExecContext(ctx, sqlForget",
		why:  "Old secrets stay on disk, sealed with a key that may leak later.",
	},
	{
		name: "an append does not compare the length of the log",
		file: "rotator/journal/sqlite.go",
		old:  "if length != r.seq-1 {",
		new:  "if false && length != r.seq-1 {",
		why:  "The fence between two processes has a hole.",
	},
	{
		name: "a damaged event is believed",
		file: "rotator/journal/record.go",
		old:  "|| !bytes.Equal(sum, r.sum()) {",
		new:  "|| false && !bytes.Equal(sum, r.sum()) {",
		why:  "A flipped bit decides which key is deleted.",
	},
	{
		name: "an event that is missing is not missed",
		file: "rotator/journal/record.go",
		old:  "if r.seq != want {",
		new:  "if false {",
		why:  "A log with a hole in it is believed.",
	},
	{
		name: "an owner on another host counts as gone",
		file: "rotator/journal/owner.go",
		old:  "case s.self.Boot == \"\" || o.Boot != s.self.Boot || o.Host != s.self.Host:",
		new:  "case s.self.Boot == \"\":",
		why:  "A claim of a process that is alive elsewhere is taken over.",
	},
	{
		name: "a key that is still listed counts as deleted",
		file: "rotator/awsiam/keys.go",
		old:  "if slices.ContainsFunc(keys, func(k rotator.Key) bool { return k.ID == id }) {",
		new:  "if false && slices.ContainsFunc(keys, func(k rotator.Key) bool { return k.ID == id }) {",
		why:  "The old key never dies, and nobody knows.",
	},
}
