package rotator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"keyturn/internal/secret"
)

// tag writes the ownership tag. Started is its intent.
func (x *run) tag(ctx context.Context, p *Progress) error {
	value := TagValue(x.Journal.ID(), p.ID)
	adopted := x.world.User.Tag == ""
	ctx, cancel := context.WithTimeout(ctx, awsFor)
	defer cancel()
	if err := x.iam.SetTag(ctx, p.Started.User, value); err != nil {
		return fmt.Errorf("tag the user: %w", err)
	}
	return x.outcome(Tagged{Value: value, Adopted: adopted})
}

// issue makes one key with one call, and seals its secret. From the intent on it is not interrupted.
func (x *run) issue(ctx context.Context, p *Progress) error {
	if x.sealing == nil {
		if err := x.checkSeal(ctx); err != nil {
			return err
		}
	}
	deadline := time.Now().Round(0).Add(createFor)
	if err := x.intend(ctx, IssueIntended{Keys: x.living(), Deadline: deadline}); err != nil {
		return err
	}
	create, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	key, text, err := x.iam.Create(create, p.Started.User)
	if err != nil {
		return x.notIssued(err)
	}
	var sealed []byte
	text.Use(func(b []byte) { sealed, err = x.sealing.Seal(key.ID, b) })
	if err != nil { // a key of which nobody keeps the secret is an orphan
		return errors.Join(fmt.Errorf("seal: %w", err), x.outcome(IssueUnclear{Key: key.ID, Error: "the secret could not be sealed"}))
	}
	if err := x.issued(key, sealed); err != nil {
		return errors.Join(err, x.discard(context.WithoutCancel(ctx), p, key.ID))
	}
	x.secret, x.forKey = text, key.ID
	x.log.Info("key issued", zap.String("rotation", string(p.ID)), zap.String("key_id", string(key.ID)))
	return nil
}

// living are the user's keys as they were last seen, without those that keyturn has deleted since.
func (x *run) living() []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.state.living(x.world.Keys)
}

func (x *run) notIssued(err error) error {
	var e *IssuerError
	if !errors.As(err, &e) || e.Class == ClassUnclear {
		unclear := IssueUnclear{Error: err.Error()}
		if e != nil {
			unclear.Key = e.Key
		}
		return x.outcome(unclear)
	}
	x.mu.Lock()
	x.tried[issueTried] = true
	x.mu.Unlock()
	return x.outcome(IssueFailed{Class: e.Class, Error: err.Error()})
}

// discard deletes a key that was just made and that the log does not name: another keyturn has the claim.
func (x *run) discard(ctx context.Context, p *Progress, id KeyID) error {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	l, err := x.Journal.Events(ctx, x.ref.Stream())
	if err != nil {
		return fmt.Errorf("the key %s was made and could not be recorded: %w", id, err)
	}
	if Fold(x.Journal.ID(), l).Key(id).Created {
		return nil
	}
	x.log.Warn("the key just made is not in the journal; it is deleted", zap.String("key_id", string(id)))
	if err := x.iam.Delete(ctx, p.Started.User, id); err != nil {
		return fmt.Errorf("the key %s was made, could not be recorded, and could not be deleted: %w", id, err)
	}
	return nil
}

// change makes a key Active or Inactive, or deletes it: intent, call, outcome.
func (x *run) change(ctx context.Context, step Step) error {
	user := x.req.Robot.User
	if err := x.intend(ctx, KeyIntended{Key: step.Key, Change: step.Change, Why: step.Why}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, awsFor)
	defer cancel()
	var err error
	switch step.Change {
	case Disable, Enable:
		err = x.iam.SetActive(ctx, user, step.Key, step.Change == Enable)
	case Remove:
		err = x.iam.Delete(ctx, user, step.Key)
	}
	if classOf(err) == ClassNoKey {
		return x.observe(ctx, "") // somebody else deleted it
	}
	if err != nil {
		return fmt.Errorf("%s the key %s: %w", step.Change, step.Key, err)
	}
	x.log.Info("key changed", zap.String("rotation", string(x.id)), zap.String("key_id", string(step.Key)),
		zap.String("change", string(step.Change)), zap.String("why", string(step.Why)))
	return x.outcome(KeyChanged{Key: step.Key, Change: step.Change, Why: step.Why})
}

// probeCalls is how many calls of a round are made side by side.
const probeCalls = 2

// probe lets the new pair sign calls, in rounds, until all of them work.
func (x *run) probe(ctx context.Context, p *Progress) error {
	cred, err := x.credential(ctx, p)
	if err != nil {
		return err
	}
	pol := x.policy.Probe
	ctx, cancel := context.WithTimeout(ctx, pol.Deadline)
	defer cancel()
	good, pause := 0, time.Second
	for good < pol.Rounds {
		last := good == pol.Rounds-1
		err := x.round(ctx, p, cred, last)
		switch {
		case err == nil:
			good++
			if !last && sleep(ctx, pol.Spacing) != nil {
				err = errors.New("out of time")
			}
		case classOf(err) == ClassNotYet || classOf(err) == ClassTemporary || classOf(err) == ClassThrottled:
			good = 0
			if sleep(ctx, pause) == nil {
				pause = min(2*pause, 5*time.Second)
				continue
			}
		}
		if err != nil {
			return x.notProven(ctx, err)
		}
	}
	return x.outcome(Probed{ARN: p.Started.ARN, Role: pol.Role})
}

func (x *run) notProven(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return cause // interrupted, which says nothing of the key
	}
	x.mu.Lock()
	x.tried[probeTried] = true
	x.mu.Unlock()
	return x.outcome(ProbeFailed{Class: classOf(err), Error: "the new key does not work yet: " + err.Error()})
}

// round is several calls side by side. The role is assumed in the last round only.
func (x *run) round(ctx context.Context, p *Progress, secretText secret.Text, last bool) error {
	var g errgroup.Group
	for i := range probeCalls {
		role := ""
		if last && i == 0 {
			role = x.policy.Probe.Role
		}
		g.Go(func() error {
			who, err := x.iam.Probe(ctx, p.New.ID, secretText, role)
			if err != nil {
				return err
			}
			if who.ARN != p.Started.ARN || who.Account != accountOf(p.Started.ARN) {
				return &IssuerError{Class: ClassInvalid, Op: "GetCallerIdentity",
					Err: fmt.Errorf("the new key is %s's, not %s's", who.ARN, p.Started.ARN)}
			}
			return nil
		})
	}
	return g.Wait()
}

// credential is the new pair's secret: from this run, or from the journal.
func (x *run) credential(ctx context.Context, p *Progress) (secret.Text, error) {
	if x.forKey == p.New.ID && !x.secret.Empty() {
		return x.secret, nil
	}
	sealed, err := x.Journal.Sealed(ctx, p.ID)
	if errors.Is(err, ErrNoSecret) {
		step := p.hold(HoldSecretLost, "--abandon", "the journal does not have the secret of the new key %s; abandon this rotation and start another", p.New.ID)
		return secret.Text{}, errors.Join(errRebase, x.outcome(Held{Hold: *step.Hold}))
	}
	if err != nil {
		return secret.Text{}, fmt.Errorf("read the sealed secret: %w", err)
	}
	plain, err := x.Sealer.Open(ctx, x.binding(p.New.ID), sealed)
	if err != nil {
		return secret.Text{}, fmt.Errorf("open the sealed secret: %w", err)
	}
	defer clear(plain)
	x.secret.Wipe()
	x.secret, x.forKey = secret.New(plain), p.New.ID
	return x.secret, nil
}

// lift detaches AWS's quarantine policies, once the key is replaced.
func (x *run) lift(ctx context.Context, p *Progress) error {
	ctx, cancel := context.WithTimeout(ctx, awsFor)
	defer cancel()
	for _, policy := range p.Quarantine {
		if err := x.iam.LiftQuarantine(ctx, p.Started.User, policy); err != nil {
			return fmt.Errorf("detach %s: %w", policy, err)
		}
	}
	return x.outcome(QuarantineSeen{Policies: p.Quarantine, Lifted: true})
}

// finish erases the secret, unless an optional sink still waits for it, and records how the rotation ended.
func (x *run) finish(ctx context.Context, step Step) error {
	x.background.Wait()
	p := x.progress()
	keep := step.Outcome == Done && len(unserved(p.live(false))) > 0
	if !keep {
		if err := x.Journal.Forget(ctx, p.ID); err != nil {
			return fmt.Errorf("erase the sealed secret: %w", err)
		}
	}
	x.log.Info("rotation finished", zap.String("rotation", string(p.ID)), zap.String("outcome", string(step.Outcome)))
	return x.outcome(Finished{Outcome: step.Outcome, Error: step.Error, Forgotten: !keep})
}

// forget erases the secret of a rotation that is done.
func (x *run) forget(ctx context.Context, p *Progress) error {
	if err := x.Journal.Forget(ctx, p.ID); err != nil {
		return fmt.Errorf("erase the sealed secret: %w", err)
	}
	return x.outcome(Forgotten{})
}
