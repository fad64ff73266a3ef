// Package vars is the sink for stores that take one request for each variable.
//
// Such a store cannot change a pair at once. What follows from that is here, once: everything is read and encrypted before
// the first write; a stale session token is removed, then the secret is written, and the key id last, back to back;
// what fails in between is rolled forward by doing all of it again; nothing is ever deleted to be added anew; writes to
// one place wait for each other. The key id is the commit mark: a store that shows the new one holds the new secret.
// With a bundle, one variable that holds a whole credentials file, there is a single write.
//
// A kind brings its configuration, its endpoints and a [Store], which handles one variable:
//
//	type store struct{ api *httpapi.Client; path string }
//
//	func (s *store) See(ctx context.Context, names []string) (map[string]vars.Seen, time.Time, error) {
//		var got []struct{ Key, Description string; UpdatedAt time.Time `json:"updated_at"` }
//		resp, err := s.api.Do(ctx, httpapi.Request{Op: "acme: list the variables", Path: s.path}, &got)
//		seen := map[string]vars.Seen{}
//		for _, v := range got {
//			seen[v.Key] = vars.Seen{Note: v.Description, At: v.UpdatedAt}
//		}
//		return seen, resp.Date, err
//	}
//
//	func (s *store) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
//		r := httpapi.Request{Op: "acme: write " + c.Name, Method: "PUT", Path: s.path + "/" + c.Name}
//		return func(ctx context.Context) error {
//			r.Body = map[string]string{"value": c.Value.Reveal(), "description": c.Note}
//			_, err := s.api.Do(ctx, r, nil)
//			return err
//		}, nil
//	}
//
// and in its open: return vars.New(vars.Options{Kind: "acme", Place: cfg.Destination(), Variables: cfg.Variables,
// Bundle: cfg.Bundle, NoteMax: 255, Base: cfg.URL}, store, env), nil. A store that gives values back returns vars.NewReadable(..) instead,
// which is a [sinks.Reader] too. Evidence follows by itself from what See shows.
package vars

import (
	"context"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// Store handles the variables of one destination. Its methods may be called side by side; its errors are *sinks.Error.
type Store interface {
	// See reads what the store shows of the named variables, by name: one that is absent does not exist. Others may be
	// among them. The time is the store's clock, as its answer tells it. A place that does not exist is an error of class Missing.
	See(ctx context.Context, names []string) (map[string]Seen, time.Time, error)

	// Prepare does everything that a write needs besides itself: look up ids, fetch keys, encrypt. A write creates the
	// variable or changes it in place, and keeps all else about it (scope, flags, who may see it). An error of class
	// Conflict, from either, makes the engine See and Prepare anew: somebody else wrote.
	Prepare(ctx context.Context, c Change) (Write, error)

	// Remove deletes a session token. One that is gone already is no error.
	Remove(ctx context.Context, name string, now Seen) error

	// Check says whether a push to the names, of which seen is shown, would be accepted, and what an operator should know.
	Check(ctx context.Context, names []string, seen map[string]Seen) ([]sinks.Warning, error)
}

// Write is one request that changes one variable. It may be repeated.
type Write func(ctx context.Context) error

// Change is a variable to be written.
type Change struct {
	Name  string
	Value secret.Text
	Note  string // description to send in the same request; "" if the store takes none
	Now   *Seen  // what is there; nil: the variable is to be created
	ID    bool   // the value is the key id, which is not secret
}

// Seen is what a store shows of a variable. What it does not show is zero.
type Seen struct {
	ID    string      // how the store addresses the variable, if not by its name
	Shown bool        // Value is the whole value
	Value secret.Text // set if Shown
	Tail  string      // the last characters of the value, without a mask
	Stamp string      // a version, if the store counts them
	At    time.Time   // when the store says it was last changed
	Note  string      // description or note
	Data  any         // whatever the kind wants to find again in Prepare, Remove and Check
}

// stamp is the version or the time, as it is journalled.
func (s Seen) stamp() string {
	if s.Stamp != "" || s.At.IsZero() {
		return s.Stamp
	}
	return s.At.UTC().Format(time.RFC3339Nano)
}

// Options of a sink.
type Options struct {
	Kind      string // begins every text: "github"
	Place     string // the destination: writes to one place wait for each other
	Variables sinks.Variables
	Bundle    string // name of the one variable that holds a credentials file; "": two variables
	// NoteMax is how many bytes a description can have; 0: the store has none, or it is not written in the same request.
	NoteMax int
	Base    string // address of the API, for a warning if it is not encrypted
}

// Sink is a destination in a store. It implements sinks.Sink.
type Sink struct {
	o       Options
	store   Store
	serials *sinks.Serials
}

// New makes the sink of a store that does not give values back.
func New(o Options, store Store, env sinks.Env) *Sink {
	s := &Sink{o: o, store: store, serials: env.Serials}
	if s.serials == nil {
		s.serials = &sinks.Serials{}
	}
	return s
}

// Readable is a Sink of a store that gives back the key id, or a bundle. It implements sinks.Reader.
type Readable struct{ *Sink }

// NewReadable makes the sink of a store that gives values back.
func NewReadable(o Options, store Store, env sinks.Env) Readable { return Readable{New(o, store, env)} }
