package rotator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"keyturn/sinks"
)

// locate finds the user's log. The account's number comes from the configuration, from the journal, or
// from a first look at AWS.
func (x *run) locate(ctx context.Context) error {
	robot := x.req.Robot
	x.id = NewID(time.Now())
	ref, found, err := x.known(ctx, robot)
	if err != nil {
		return &RunError{Refused, fmt.Errorf("read the journal: %w", err)}
	}
	if found {
		if err := x.load(ctx, ref); err != nil {
			return err
		}
	}
	x.iam, err = x.Issuer(ctx, robot, x.id)
	if err != nil {
		return x.stopped(fmt.Errorf("reach AWS: %w", err))
	}
	if found {
		return nil
	}
	if err := x.look(ctx); err != nil {
		return err
	}
	return x.load(ctx, UserRef{Account: x.world.User.Account, User: x.world.User.Name})
}

// look observes a user of which the journal knows nothing.
func (x *run) look(ctx context.Context) error {
	robot := x.req.Robot
	var g errgroup.Group
	g.Go(func() error { return x.observe(ctx, "") })
	g.Go(func() error { return x.readQuarantine(ctx) })
	if err := g.Wait(); err != nil {
		return &RunError{Refused, err}
	}
	switch u := x.world.User; {
	case x.world.Gone:
		return &RunError{Refused, fmt.Errorf("there is no IAM user %s in the account of the credentials; check user and account", robot.User)}
	case robot.Number != "" && u.Account != robot.Number:
		return &RunError{Refused, fmt.Errorf("the credentials reach account %s, but the configuration says %s", u.Account, robot.Number)}
	}
	return nil
}

// known is the log that belongs to the robot's user, if the journal tells without asking AWS: there is
// one with its name in the account, or, if the account's number is not known, exactly one.
func (r *Rotator) known(ctx context.Context, robot Robot) (UserRef, bool, error) {
	users, err := r.Journal.Users(ctx)
	if err != nil {
		return UserRef{}, false, err
	}
	var found []UserRef
	for _, u := range users {
		if strings.EqualFold(u.User, robot.User) && (robot.Number == "" || robot.Number == u.Account) {
			found = append(found, u)
		}
	}
	if len(found) != 1 {
		return UserRef{}, false, nil
	}
	return found[0], true, nil
}

func (x *run) load(ctx context.Context, ref UserRef) error {
	l, err := x.Journal.Events(ctx, ref.Stream())
	if err != nil {
		return &RunError{Refused, fmt.Errorf("read the journal: %w", err)}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ref = ref
	x.take(l)
	if p := x.state.Last(); p != nil && (p.Outcome == "" || p.Outcome == Done && !p.Forgotten) {
		x.id = p.ID
	}
	return nil
}

// observe looks at the user and at its keys, and, if use names one, at that key's last use, side by side.
func (x *run) observe(ctx context.Context, use KeyID) error {
	ctx, cancel := context.WithTimeout(ctx, awsFor)
	defer cancel()
	w := World{At: time.Now().Round(0), Seq: x.length(), Uses: map[KeyID]Reading{}}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		u, err := x.iam.User(ctx, x.req.Robot.User)
		w.User = u
		return err
	})
	g.Go(func() (err error) {
		w.Keys, w.Clock, err = x.iam.Keys(ctx, x.req.Robot.User)
		return err
	})
	var reading Reading
	if use != "" {
		g.Go(func() (err error) {
			reading, err = x.reading(ctx, use)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		if classOf(err) != ClassNoUser {
			return fmt.Errorf("look at the user %s: %w", x.req.Robot.User, err)
		}
		w.Gone, w.User, w.Keys = true, User{}, nil
	}
	if use != "" && !w.Gone {
		w.Uses[use] = reading
		if err := x.outcome(UseRead{Key: use, Use: reading.Use, ReadAt: reading.At, Clock: w.Clock}); err != nil {
			return err
		}
	}
	x.see(w)
	return nil
}

func (x *run) length() Seq {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.events.Seq()
}

// readQuarantine reads, once in a run, which of AWS's quarantine policies the user carries.
func (x *run) readQuarantine(ctx context.Context) error {
	if x.quarantineRead {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, awsFor)
	defer cancel()
	policies, err := x.iam.Quarantine(ctx, x.req.Robot.User)
	if err != nil && classOf(err) != ClassNoUser { // observe says that there is no user
		return err
	}
	x.quarantine, x.quarantineRead = policies, true
	return nil
}

func (x *run) see(w World) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.world = w
}

func (x *run) reading(ctx context.Context, id KeyID) (Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, awsFor)
	defer cancel()
	at := time.Now().Round(0)
	u, err := x.iam.LastUsed(ctx, id)
	return Reading{At: at, Use: u}, err
}

// survey reads what every readable sink serves, then observes, then reads the last use of every key.
func (x *run) survey(ctx context.Context) error {
	serving := x.serving(ctx)
	if err := x.observe(ctx, ""); err != nil {
		return err
	}
	w := x.world
	w.Serving = serving
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for _, k := range w.Keys {
		g.Go(func() error {
			r, err := x.reading(ctx, k.ID)
			if classOf(err) == ClassNoKey {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			w.Uses[k.ID] = r
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("read when the keys of %s were last used: %w", x.req.Robot.User, err)
	}
	x.see(w)
	return nil
}

func (x *run) serving(ctx context.Context) *Serving {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	out := &Serving{At: time.Now().Round(0), Keys: map[string]KeyID{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range x.req.Robot.Sinks {
		if s.Required {
			out.Required = append(out.Required, s.Name)
		}
		wg.Go(func() {
			id, state := x.read(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			switch state {
			case readable:
				out.Keys[s.Name] = id
			case unreadable:
				out.Unread = append(out.Unread, s.Name)
			case blind:
				out.Blind = append(out.Blind, s.Name)
			}
		})
	}
	wg.Wait()
	return out
}

type sight int

const (
	readable sight = iota
	unreadable
	blind
)

func (x *run) read(ctx context.Context, s Sink) (KeyID, sight) {
	sink, err := x.sink(ctx, s.Name)
	if err != nil {
		return "", unreadable
	}
	reader, ok := sink.(sinks.Reader)
	if !ok {
		return "", blind
	}
	id, err := reader.Serving(ctx)
	if errors.Is(err, sinks.ErrBlind) {
		return "", blind
	}
	if err != nil {
		return "", unreadable
	}
	return id, readable
}

// sink opens a sink once in a run.
func (x *run) sink(ctx context.Context, name string) (sinks.Sink, error) {
	x.mu.Lock()
	s, ok := x.opened[name]
	x.mu.Unlock()
	if ok {
		return s, nil
	}
	for _, b := range x.req.Robot.Sinks {
		if b.Name != name {
			continue
		}
		s, err := b.Open(ctx, x.id)
		if err != nil {
			return nil, err
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.opened[name] = s
		return s, nil
	}
	return nil, errors.New("it is not in the configuration")
}

func classOf(err error) IssuerClass {
	var e *IssuerError
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}
