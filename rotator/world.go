package rotator

import (
	"slices"
	"time"
)

// World is what a run has just observed, as opposed to what the journal remembers. The zero
// World is "nothing yet", as after a start, a takeover or a wait.
type World struct {
	At    time.Time // when the observation began; zero: none
	Seq   Seq       // how long the log was then
	Clock time.Time // AWS's clock at that time
	User  User
	Gone  bool // there is no such user
	Keys  []Key

	Uses    map[KeyID]Reading // last uses that were read
	Serving *Serving          // what the readable sinks serve, if somebody asked

	Configured map[string]bool // sinks that the configuration names; nil: not asked

	Busy  map[string]bool // optional sinks that are being served by this run
	Tried map[string]bool // sinks that failed in this run: not again before the next
}

// Serving is what the sinks serve, as far as they can tell.
type Serving struct {
	At       time.Time
	Keys     map[string]KeyID // by sink; "" is none
	Unread   []string         // readable in principle, but not now
	Blind    []string         // cannot be read
	Required []string         // of the sinks above, those that are required
}

// freshFor is how long an observation counts before a key is disabled or deleted.
const freshFor = 5 * time.Second

func (w World) seen() bool { return !w.At.IsZero() }

func (w World) fresh(now time.Time) bool { return w.seen() && now.Sub(w.At) < freshFor }

// after says that the observation began after the event that made the log seq long.
func (w World) after(seq Seq) bool { return w.seen() && w.Seq >= seq }

func (w World) key(id KeyID) (Key, bool) {
	i := slices.IndexFunc(w.Keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return Key{}, false
	}
	return w.Keys[i], true
}

// serves lists the sinks that serve id.
func (s *Serving) serves(id KeyID) []string {
	var out []string
	for name, k := range s.Keys {
		if k == id {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// allRequired says that every required sink was read and serves id.
func (s *Serving) allRequired(id KeyID) bool {
	for _, name := range s.Required {
		if k, ok := s.Keys[name]; !ok || k != id {
			return false
		}
	}
	return len(s.Required) > 0
}
