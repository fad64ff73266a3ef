package rotatortest_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
	"keyturn/rotator/rotatortest"
)

const journalStream = rotator.Stream("user/111122223333/ci-bot")

func secondProcess(j *rotatortest.Journal) *rotatortest.Journal {
	o := j.Owner()
	o.ID, o.PID = "process-2", 2
	return j.Process(o)
}

func TestJournalConforms(t *testing.T) {
	journaltest.Run(t, func(*testing.T) rotator.Journal { return rotatortest.NewJournal() })
	journaltest.RunShared(t, func(*testing.T) (a, b rotator.Journal) {
		j := rotatortest.NewJournal()
		return j, secondProcess(j)
	})
}

func TestJournalWorksInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := rotatortest.NewJournal()
		journaltest.Append(t, j, journalStream, 0, journaltest.Event(""), nil)
		synctest.Wait()
	})
}

func TestJournalFaultsAreAppliedOrNotAsTheySay(t *testing.T) {
	lost := errors.New("lost")
	for name, tt := range map[string]struct {
		fault rotatortest.JournalFault
		want  rotator.Seq
	}{
		"not applied": {rotatortest.JournalFault{Before: lost}, 0},
		"applied":     {rotatortest.JournalFault{After: lost}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			j := rotatortest.NewJournal()
			j.Fault = func(op string, e rotator.Event) rotatortest.JournalFault {
				if op == "append" && e.Body == (rotator.Released{}) {
					return tt.fault
				}
				return rotatortest.JournalFault{}
			}
			e := journaltest.Event("20261120-7f3k9qx2")
			if _, err := j.Append(t.Context(), journalStream, 0, e, []byte("blob")); !errors.Is(err, lost) {
				t.Errorf("got %v", err)
			}
			l, err := j.Events(t.Context(), journalStream)
			if err != nil || l.Seq() != tt.want || l.Has(e.ID) != (tt.want == 1) {
				t.Errorf("%d events, %v", l.Seq(), err)
			}
			_, err = j.Sealed(t.Context(), e.Rotation)
			if errors.Is(err, rotator.ErrNoSecret) != (tt.want == 0) {
				t.Errorf("sealed: %v", err)
			}
		})
	}
}

func TestAKilledProcessIsGoneAndWritesNoMore(t *testing.T) {
	a := rotatortest.NewJournal()
	b := secondProcess(a)
	b.Kill()
	if !a.Gone(b.Owner()) || b.Gone(a.Owner()) {
		t.Errorf("gone: b %t, a %t", a.Gone(b.Owner()), b.Gone(a.Owner()))
	}
	_, err := b.Append(t.Context(), journalStream, 0, journaltest.Event(""), nil)
	if err == nil || err.Error() != "journal in memory: the journal is closed" {
		t.Errorf("got %v", err)
	}
	journaltest.Append(t, a, journalStream, 0, journaltest.Event(""), nil)
}

func TestACopyGoesItsOwnWay(t *testing.T) {
	const rotation = rotator.ID("20261120-7f3k9qx2")
	j := rotatortest.NewJournal()
	e := journaltest.Event(rotation)
	journaltest.Append(t, j, journalStream, 0, e, []byte("blob"))
	c := j.Copy()
	if c.ID() != j.ID() || c.Owner().ID == j.Owner().ID {
		t.Errorf("id %s, owner %s", c.ID(), c.Owner().ID)
	}
	journaltest.Append(t, j, journalStream, 1, journaltest.Event(""), nil)
	if err := j.Forget(t.Context(), rotation); err != nil {
		t.Fatal(err)
	}
	l, err := c.Events(t.Context(), journalStream)
	if err != nil || l.Seq() != 1 || !l.Has(e.ID) {
		t.Errorf("the copy has %+v, %v", l, err)
	}
	if b, err := c.Sealed(t.Context(), rotation); err != nil || string(b) != "blob" {
		t.Errorf("sealed: %q, %v", b, err)
	}
	journaltest.Append(t, c, journalStream, 1, journaltest.Event(""), nil)
}
