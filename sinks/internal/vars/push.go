package vars

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// visible is how long a push waits until the store shows what was written.
const visible = 5 * time.Second

// Push writes the pair, unless it is there already. A failure half way is rolled forward: by trying again while ctx
// lasts, and by the next Push, which writes all of it again.
func (s *Sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	leave, err := s.serials.Enter(ctx, s.o.Place)
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, s.op("push"), "%w", err)
	}
	defer leave()
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		r, err = s.push(ctx, cred)
		return err
	})
	return r, err
}

func (s *Sink) op(verb string) string { return s.o.Kind + ": " + verb }

// push is one try.
func (s *Sink) push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	before, now, err := s.store.See(ctx, s.names())
	if err != nil {
		return sinks.Receipt{}, err
	}
	if err := s.ours(before); err != nil {
		return sinks.Receipt{}, err
	}
	parts := s.parts(cred)
	if s.exact(before, parts) {
		return s.receipt(cred, parts, before, before, now)
	}
	s.note(parts, before, marker(cred.KeyID, now))
	writes, err := s.prepare(ctx, parts, before)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if name := s.session(); name != "" {
		if token, ok := before[name]; ok {
			if err := s.store.Remove(ctx, name, token); err != nil {
				return sinks.Receipt{}, err
			}
		}
	}
	for i, write := range writes {
		if err := write(ctx); err != nil {
			return sinks.Receipt{}, halfDone(err, parts, i)
		}
	}
	after, err := s.settled(ctx, parts, before, now)
	if err != nil {
		return sinks.Receipt{}, err
	}
	return s.receipt(cred, parts, before, after, now)
}

// ours says whether the bundle, if it is there and can be read, holds nothing that a push would lose.
func (s *Sink) ours(seen map[string]Seen) error {
	v := seen[s.o.Bundle]
	if s.o.Bundle == "" || !v.Shown {
		return nil
	}
	if _, ok := bundledID(v.Value.Reveal()); !ok {
		return sinks.Errorf(sinks.Refused, s.op("look at "+s.o.Bundle), "it holds more than a default profile, which a push would overwrite")
	}
	return nil
}

// exact says whether all parts are shown and equal, and nothing spoils them.
func (s *Sink) exact(seen map[string]Seen, parts []part) bool {
	if _, spoilt := seen[s.session()]; spoilt {
		return false
	}
	for _, p := range parts {
		v := seen[p.name]
		if !v.Shown || !p.value.Equal(v.Value) {
			return false
		}
	}
	return true
}

// note gives each part the description it is to have.
func (s *Sink) note(parts []part, before map[string]Seen, mark string) {
	for i, p := range parts {
		parts[i].note = noted(before[p.name].Note, mark, s.o.NoteMax)
	}
}

func (s *Sink) prepare(ctx context.Context, parts []part, before map[string]Seen) ([]Write, error) {
	var writes []Write
	for _, p := range parts {
		c := Change{Name: p.name, Value: p.value, Note: p.note, ID: p.id}
		if v, ok := before[p.name]; ok {
			c.Now = &v
		}
		w, err := s.store.Prepare(ctx, c)
		if err != nil {
			return nil, err
		}
		writes = append(writes, w)
	}
	return writes, nil
}

// halfDone says so in the error of the write i of parts.
func halfDone(err error, parts []part, i int) error {
	if i == 0 {
		return err
	}
	return &sinks.Error{
		Class: sinks.ClassOf(err), After: sinks.AfterOf(err),
		Err: fmt.Errorf("%w (half done: %s is written, %s is not known to be)", err, parts[i-1].name, parts[i].name),
	}
}

// settled waits until the store shows every part, changed since the time since by its own clock, and no session token.
func (s *Sink) settled(ctx context.Context, parts []part, before map[string]Seen, since time.Time) (map[string]Seen, error) {
	for until := time.Now().Add(visible); ; {
		seen, _, err := s.store.See(ctx, s.names())
		if err != nil {
			return nil, err
		}
		wrong := s.unsettled(seen, parts, before, since)
		if wrong == "" {
			return seen, nil
		}
		if time.Now().After(until) || !httpapi.Sleep(ctx, visible/20) {
			return nil, sinks.Errorf(sinks.Temporary, s.op("look at what was written"), "%s", wrong)
		}
	}
}

// moved says whether a variable shows a change since the time since by the store's clock, which tells whole seconds: the
// same one counts. So does any other time than before, because not all clocks of a store agree. No time shows nothing.
func moved(v, before Seen, since time.Time) bool {
	return v.At.IsZero() || since.IsZero() || !v.At.Equal(before.At) || !v.At.Before(since.Truncate(time.Second))
}

// unsettled says what the store does not show yet; "" if all is there.
func (s *Sink) unsettled(seen map[string]Seen, parts []part, before map[string]Seen, since time.Time) string {
	for _, p := range parts {
		v, ok := seen[p.name]
		switch {
		case !ok:
			return p.name + " is not there"
		case !moved(v, before[p.name], since):
			return p.name + " shows no change since it was written"
		case v.Shown && !p.value.Equal(v.Value):
			return p.name + " shows another value than was written"
		case !v.Shown && v.Tail != "" && !ends(p, v.Tail):
			return p.name + " shows another end than was written"
		case s.o.NoteMax > 0 && markerOf(v.Note) != "" && markerOf(v.Note) != markerOf(p.note):
			return p.name + " shows another marker than was written"
		}
	}
	if _, ok := seen[s.session()]; ok && s.session() != "" {
		return s.session() + " is still there"
	}
	return ""
}

// receipt keeps what proves later that nobody else has written. A version that did not move proves nothing.
func (s *Sink) receipt(cred sinks.Credential, parts []part, before, after map[string]Seen, now time.Time) (sinks.Receipt, error) {
	t := trace{Key: cred.KeyID, Left: map[string]left{}, Coincides: coincides(parts, before)}
	last := after[parts[len(parts)-1].name]
	for _, p := range parts {
		v := after[p.name]
		l := left{Stamp: v.stamp(), At: v.At, Marker: markerOf(v.Note)}
		if old, ok := before[p.name]; ok && v.At.IsZero() && old.Stamp == v.Stamp {
			l.Stamp = ""
		}
		t.Left[p.name] = l
	}
	maps.DeleteFunc(t.Left, func(_ string, l left) bool { return l == left{} })
	return t.receipt(last.stamp(), now)
}

// coincides says whether another pair ended as this one does. Our own half-done push has written the secret first, so a
// key id that ends alike beside a secret that does not is somebody else's.
func coincides(parts []part, before map[string]Seen) bool {
	if len(parts) < 2 {
		return false
	}
	secret, id := before[parts[0].name], before[parts[1].name]
	return id.Tail != "" && !id.Shown && ends(parts[1], id.Tail) && secret.Tail != "" && !ends(parts[0], secret.Tail)
}

// ends says whether the value of p ends in tail. The newline that ends a bundle may be shown or not.
func ends(p part, tail string) (yes bool) {
	tail = strings.TrimRight(tail, "\n")
	p.value.Use(func(b []byte) { yes = bytes.HasSuffix(bytes.TrimRight(b, "\n"), []byte(tail)) })
	return yes
}
