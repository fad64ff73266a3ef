package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"keyturn/rotator"
)

func TestProcessesThatShareAFileLoseAndDoubleNothing(t *testing.T) {
	path := newPath(t)
	const processes, each = 3, 20
	streams := []string{"user/111122223333/a", "user/111122223333/b"}
	printed := map[string][]string{}
	var running []*child
	for range processes {
		for _, s := range streams {
			running = append(running, start(t, "append", path, s, fmt.Sprint(each)))
		}
	}
	for i, c := range running {
		s := streams[i%len(streams)]
		printed[s] = append(printed[s], c.end()...)
	}
	j := open1(t, path)
	for _, s := range streams {
		l, err := j.Events(t.Context(), rotator.Stream(s))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range l.Events {
			got = append(got, string(e.ID))
		}
		slices.Sort(got)
		slices.Sort(printed[s])
		if len(got) != processes*each || !slices.Equal(got, printed[s]) {
			t.Errorf("%s: %d events are there, %d were appended", s, len(got), len(printed[s]))
		}
	}
}

func TestWhatAppendReturnedSurvivesAKill(t *testing.T) {
	path := newPath(t)
	const s = "user/111122223333/a"
	c := start(t, "append", path, s, "1000000")
	printed := []string{c.line(), c.line(), c.line()}
	printed = append(printed, c.kill()...)
	j := open1(t, path)
	l, err := j.Events(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range printed {
		if i >= len(l.Events) || string(l.Events[i].ID) != id {
			t.Fatalf("event %d of %d that were reported as durable is lost", i+1, len(printed))
		}
	}
	// One more may have been written and not reported.
	if extra := len(l.Events) - len(printed); extra > 1 {
		t.Errorf("%d events were written and not reported", extra)
	}
}

func TestAProcessIsGoneOnceTheKernelSaysSo(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	ended, killed := start(t, "claim", path), start(t, "claim", path)
	var a, b rotator.Owner
	for c, o := range map[*child]*rotator.Owner{ended: &a, killed: &b} {
		if err := json.Unmarshal([]byte(c.line()), o); err != nil {
			t.Fatal(err)
		}
	}
	if j.Gone(a) || j.Gone(b) {
		t.Error("a process that runs is called gone")
	}
	ended.end()
	killed.kill()
	if !j.Gone(a) || !j.Gone(b) {
		t.Errorf("gone are: the one that ended %t, the one that was killed %t", j.Gone(a), j.Gone(b))
	}

	wantLocks := func(when string, want ...string) {
		t.Helper()
		entries, err := os.ReadDir(j.ownersDir())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("locks %s: %v, not %v", when, got, want)
		}
	}
	wantLocks("after the kill", j.Owner().ID, b.ID)
	k := open1(t, path)
	wantLocks("after the next open", j.Owner().ID, k.Owner().ID)
	if !j.Gone(b) || j.Gone(k.Owner()) || k.Gone(j.Owner()) {
		t.Error("tidying up has changed who is gone")
	}
}

func TestLocksThatCannotBeJudgedStay(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	elsewhere := rotator.Owner{ID: "00000000000000aa", Host: "other", Boot: "other", PID: 1}
	text, err := json.Marshal(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	dir := j.ownersDir()
	for name, content := range map[string]string{elsewhere.ID: string(text), "00000000000000bb": "", "notes": "not ours"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open1(t, path)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Errorf("%d files are left, not 5, %v", len(entries), err)
	}
	if j.Gone(rotator.Owner{ID: "../journal.db", Host: j.self.Host, Boot: j.self.Boot}) {
		t.Error("an id that is a path is looked up")
	}
}

func TestTheOwnerTellsThisProcess(t *testing.T) {
	o := open1(t, newPath(t)).Owner()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if o.Host != host || o.PID != os.Getpid() || len(o.Boot) != 36 || len(o.ID) != 16 {
		t.Errorf("got %+v", o)
	}
}
