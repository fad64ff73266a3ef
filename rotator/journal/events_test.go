package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

var update = flag.Bool("update", false, "write the golden file anew; lines that were released must not change")

const golden = "testdata/events.golden.jsonl"

// The events' JSON outlives a version: what is in the golden file is in the journals of users.
func TestTheFormOfEventsStays(t *testing.T) {
	var now bytes.Buffer
	for _, e := range journaltest.Samples() {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		now.Write(append(b, '\n'))
	}
	if *update {
		if err := os.WriteFile(golden, now.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	then, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(then), "\n"), strings.Split(now.String(), "\n")); d != "" {
		t.Errorf("events are written otherwise than in %s (-then +now):\n%s", golden, d)
	}
	var read []rotator.Event
	for line := range bytes.Lines(then) {
		var e rotator.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		read = append(read, e)
	}
	if d := cmp.Diff(journaltest.Samples(), read); d != "" {
		t.Errorf("events are read otherwise than they were written (-want +got):\n%s", d)
	}
}

// The types are found in the source: a type that is added there without a sample here fails.
func TestEveryTypeOfEventHasASample(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	samples := map[string]bool{}
	for _, e := range journaltest.Samples() {
		samples[e.Body.Type()] = true
	}
	method := regexp.MustCompile(`func \(\w+\) Type\(\) string\s*{ return "(\w+)" }`)
	types := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range method.FindAllSubmatch(src, -1) {
			types++
			if !samples[string(m[1])] {
				t.Errorf("events of type %s have no sample in journaltest", m[1])
			}
		}
	}
	if types != len(samples) {
		t.Errorf("%d types are in the source and %d have samples", types, len(samples))
	}
}

func TestWhatIsNotUnderstoodIsNotRead(t *testing.T) {
	sample, err := json.Marshal(journaltest.Samples()[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		old, new string
		text     string
	}{
		"a newer version": {`"v":1`, `"v":2`, `event event00000000001 has version 2 and this keyturn knows up to 1: use the keyturn that wrote it, or a newer one`},
		"an unknown type": {`"released"`, `"relaxed"`, `event event00000000001 is of type "relaxed", which this keyturn does not know: use the keyturn that wrote it, or a newer one`},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open1(t, path)
			r := record{stream: "user/1/a", seq: 1, id: "x", event: []byte(strings.Replace(string(sample), tt.old, tt.new, 1))}
			store(t, path, r, r.sum())
			journaltest.Append(t, j, "user/1/b", 0, journaltest.Event(""), nil)

			_, err := j.Events(t.Context(), "user/1/a")
			if want := fmt.Sprintf("journal %s: read user/1/a: %s", path, tt.text); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if l, err := j.Events(t.Context(), "user/1/b"); err != nil || l.Seq() != 1 {
				t.Errorf("another log: %+v, %v", l, err)
			}
		})
	}
}

func TestDamageThatSQLiteDoesNotSee(t *testing.T) {
	for name, tt := range map[string]struct {
		query string
		text  string
	}{
		"another key in an event": {
			`UPDATE events SET event = replace(event, 'test', 'test ') WHERE seq = 2`,
			"event 2 does not have its checksum",
		},
		"an event moved": {
			`UPDATE events SET stream = 'user/1/b' WHERE seq = 1`,
			"event 1 is missing",
		},
		"an event missing": {
			`DELETE FROM events WHERE seq = 2`,
			"event 2 is missing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open1(t, path)
			for i := range rotator.Seq(3) {
				journaltest.Append(t, j, "user/1/a", i, journaltest.Event(""), nil)
			}
			exec1(t, path, tt.query)
			_, err := j.Events(t.Context(), "user/1/a")
			want := fmt.Sprintf("journal %s: read user/1/a: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup (%s)", path, tt.text)
			if err == nil || err.Error() != want || !errors.Is(err, ErrDamaged) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func store(t *testing.T, path string, r record, sum []byte) {
	t.Helper()
	db, err := openDB(path, "rw", 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(sqlInsert, string(r.stream), int64(r.seq), string(r.id), string(r.event), sum)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
