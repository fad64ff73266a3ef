package sinktest

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"keyturn/sinks"
)

// tornSink writes the two halves of a pair one after the other, into a store that shows them.
type tornSink struct {
	modelSink
	order *[]string
}

func (m *tornSink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	now, err := m.store.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	removed := func(p *Pair) { p.SessionToken = "" }
	value := func(p *Pair) { p.Secret = cred.Secret.Reveal() }
	id := func(p *Pair) { p.ID = string(cred.KeyID) }
	steps := []struct {
		name   string
		change func(*Pair)
	}{{Session, removed}, {Secret, value}, {ID, id}}
	if m.bug == "push writes the key id first" {
		steps[1], steps[2] = steps[2], steps[1]
	}
	for i, s := range steps {
		if s.name == Session && now.SessionToken == "" {
			continue
		}
		if err := m.half(ctx, s.name, i == len(steps)-1, s.change); err != nil {
			return sinks.Receipt{}, err
		}
	}
	return sinks.Receipt{}, nil
}

// half is one request. Only the last one of a push meets the fault that fails before.
func (m *tornSink) half(ctx context.Context, name string, last bool, change func(*Pair)) error {
	if err := m.store.gate(ctx); err != nil {
		return err
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if m.store.fault == FailBefore && last {
		return sinks.Errorf(sinks.Temporary, "model: write", "the store failed")
	}
	change(&m.store.pair)
	*m.order = append(*m.order, name)
	if m.store.fault == FailAfter {
		return sinks.Errorf(sinks.Temporary, "model: write", "the answer was lost")
	}
	return nil
}

func (m *tornSink) Verify(ctx context.Context, cred sinks.Credential, prev sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	now, err := m.store.read(ctx)
	if m.bug == "verify looks at the secret only" && err == nil && cred.Secret.EqualString(now.Secret) {
		return sinks.Exact, nil
	}
	return m.modelSink.Verify(ctx, cred, prev, r)
}

// tornKind is a kind of such sinks with the given bug; "" has none.
func tornKind(bug string) Kind {
	k := modelKind("")
	whole := k.New
	k.New = func(t T) Target {
		target := whole(t)
		order := &[]string{}
		target.Order = func(T) []string { return *order }
		cfg := target.Config.(*modelConfig)
		cfg.order, cfg.bug = order, bug
		return target
	}
	k.Spec.Open = func(_ context.Context, cfg sinks.Config, _ sinks.Env) (sinks.Sink, error) {
		c := cfg.(*modelConfig)
		return &tornSink{modelSink{store: c.store, bug: bug}, c.order}, nil
	}
	return k
}

func TestAKindThatWritesHalvesPasses(t *testing.T) { Run(t, tornKind("")) }

func TestKindsThatWriteHalvesWronglyFail(t *testing.T) {
	for bug, want := range map[string]string{
		"push writes the key id first":    "Push writes the secret before the key id",
		"verify looks at the secret only": "a half-done push is not taken for a whole one",
	} {
		t.Run(bug, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				if _, failed := Report(t.Context(), tornKind(bug), &out); failed == 0 || !strings.Contains(out.String(), "FAIL  "+want+"\n") {
					t.Errorf("%q should have failed; %d did:\n%s", want, failed, &out)
				}
			})
		})
	}
}
