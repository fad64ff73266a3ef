package seal_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
	"keyturn/rotator/rotatortest"
	"keyturn/rotator/seal"
)

const resealStream = rotator.Stream("user/111122223333/ci-bot")

// pending is a journal in which rotations have a secret sealed by s.
func pending(t *testing.T, s rotator.Sealer, ids ...rotator.ID) *rotatortest.Journal {
	t.Helper()
	j := rotatortest.NewJournal()
	for i, id := range ids {
		keep(t, j, s, rotator.Seq(i), id)
	}
	return j
}

func keep(t *testing.T, j rotator.Journal, s rotator.Sealer, after rotator.Seq, id rotator.ID) {
	t.Helper()
	b, _ := bindingOf(id)
	unissued := b
	unissued.Key = ""
	p, err := s.Prepare(t.Context(), unissued)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := p.Seal(b.Key, []byte(plain+string(id)))
	if err != nil {
		t.Fatal(err)
	}
	journaltest.Append(t, j, resealStream, after, journaltest.Event(id), blob)
}

func bindingOf(id rotator.ID) (rotator.Binding, error) {
	return rotator.Binding{Account: "111122223333", User: "ci-bot", Rotation: id, Key: rotator.KeyID("AKIA" + strings.ToUpper(string(id)))}, nil
}

func wantOpen(t *testing.T, j rotator.Journal, s rotator.Sealer, ids ...rotator.ID) {
	t.Helper()
	for _, id := range ids {
		b, _ := bindingOf(id)
		blob, err := j.Sealed(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open(t.Context(), b, blob); err != nil || string(got) != plain+string(id) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestResealGoesFromAnySealerToAnyOther(t *testing.T) {
	m := newKMSModel()
	sealers := map[string]rotator.Sealer{
		"key file": aesgcm(t, keyOne), "another key file": aesgcm(t, keyTwo),
		"KMS": seal.NewKMS(m.client(t), "alias/keyturn"), "another KMS key": seal.NewKMS(m.client(t), arnTwo),
	}
	for from, old := range sealers {
		for to, fresh := range sealers {
			t.Run(from+" to "+to, func(t *testing.T) {
				want := 3
				if from == to {
					want = 0
				}
				j := pending(t, old, "a", "b", "c")
				n, err := seal.Reseal(t.Context(), j, old, fresh, bindingOf)
				if n != want || err != nil {
					t.Errorf("%d, %v", n, err)
				}
				wantOpen(t, j, fresh, "a", "b", "c")
				if n, err := seal.Reseal(t.Context(), j, old, fresh, bindingOf); n != 0 || err != nil {
					t.Errorf("again: %d, %v", n, err)
				}
			})
		}
	}
}

func TestResealIsResumed(t *testing.T) {
	old, fresh := aesgcm(t, keyOne), aesgcm(t, keyTwo)
	lost := errors.New("lost")
	for name, fault := range map[string]rotatortest.JournalFault{
		"the write was not applied": {Before: lost}, "the write was applied": {After: lost},
	} {
		t.Run(name, func(t *testing.T) {
			j := pending(t, old, "a", "b", "c")
			writes := 0
			j.Fault = func(op string, _ rotator.Event) rotatortest.JournalFault {
				if op != "reseal" {
					return rotatortest.JournalFault{}
				}
				if writes++; writes == 2 {
					return fault
				}
				return rotatortest.JournalFault{}
			}
			n, err := seal.Reseal(t.Context(), j, old, fresh, bindingOf)
			wantText(t, err, "reseal b: lost")
			if n != 2 {
				t.Errorf("%d were done, not 2", n)
			}
			if _, err := seal.Reseal(t.Context(), j, old, fresh, bindingOf); err != nil {
				t.Error(err)
			}
			wantOpen(t, j, fresh, "a", "b", "c")
		})
	}
}

func TestResealLosesNothing(t *testing.T) {
	old, fresh, third := aesgcm(t, keyOne), aesgcm(t, keyTwo), seal.NewKMS(newKMSModel().client(t), "alias/keyturn")
	j := pending(t, old, "a", "c")
	keep(t, j, third, 2, "b")
	n, err := seal.Reseal(t.Context(), j, old, fresh, bindingOf)
	wantText(t, err, `reseal b: open the secret of 111122223333/ci-bot in rotation b: sealed with another key (the KMS key "`+arnOne+`"), this one is a key file (fingerprint 43af5b33)`)
	if n != 2 {
		t.Errorf("%d were done, not 2", n)
	}
	wantOpen(t, j, fresh, "a", "c")
	wantOpen(t, j, third, "b")

	_, err = seal.Reseal(t.Context(), j, third, old, func(id rotator.ID) (rotator.Binding, error) {
		return rotator.Binding{}, errors.New("no log names it")
	})
	wantText(t, err, "reseal a: no log names it\nreseal b: no log names it\nreseal c: no log names it")
	wantOpen(t, j, fresh, "a", "c")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("told to stop"))
	_, err = seal.Reseal(ctx, j, fresh, old, bindingOf)
	wantText(t, err, "reseal: journal in memory: pending: told to stop")
}

// While secrets are sealed anew, a rotation gets another key, one ends, and one begins.
func TestResealBesideWorkThatGoesOn(t *testing.T) {
	old, fresh := aesgcm(t, keyOne), aesgcm(t, keyTwo)
	j := pending(t, old, "a", "b")
	daemon := j.Process(rotator.Owner{ID: "daemon", Host: "host", Boot: "boot"})
	writes := 0
	j.Fault = func(op string, _ rotator.Event) rotatortest.JournalFault {
		if op == "reseal" {
			if writes++; writes == 1 {
				keep(t, daemon, old, 2, "a")
				keep(t, daemon, old, 3, "d")
				if err := daemon.Forget(t.Context(), "b"); err != nil {
					t.Error(err)
				}
			}
		}
		return rotatortest.JournalFault{}
	}
	n, err := seal.Reseal(t.Context(), j, old, fresh, bindingOf)
	if n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	wantOpen(t, j, fresh, "a", "d")
}
