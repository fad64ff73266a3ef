package rotatortest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

var errAnotherSecret = errors.New("another one is sealed")

// gone is the status of a key that was deleted.
const gone rotator.KeyStatus = "gone"

// witnessed is what was seen of a key from outside.
type witnessed struct {
	status rotator.KeyStatus
	made   bool // by CreateAccessKey of keyturn
	theirs bool // made by somebody else while keyturn was at work, or there beside the one that is served
	mayGo  bool // the policy, or an operator, says that keyturn may delete it
	moved  bool // somebody else changed or deleted it
}

// book is what was seen of a robot's log. It is never used to excuse what keyturn does; it says what keyturn has
// promised by then: which intents, which keys it said it has, which leaks it was told of.
type book struct {
	creates    int // intents of CreateAccessKey, less the keys that appeared
	attempting bool
	intents    map[rotator.KeyID]map[rotator.Change]bool
	named      map[rotator.KeyID]bool // keys that the log says were issued
	contained  map[rotator.KeyID]time.Time
	rotations  []*rotationBook
}

type rotationBook struct {
	id        rotator.ID
	key       rotator.KeyID // issued, and not deleted since
	forgotten bool
	abandoned bool
	outcome   rotator.Outcome
}

func newBook() book {
	return book{
		intents: map[rotator.KeyID]map[rotator.Change]bool{}, named: map[rotator.KeyID]bool{}, contained: map[rotator.KeyID]time.Time{},
	}
}

func (b *book) rotation(id rotator.ID) *rotationBook {
	for _, r := range b.rotations {
		if r.id == id {
			return r
		}
	}
	return nil
}

func (b *book) last() *rotationBook {
	if len(b.rotations) == 0 {
		return &rotationBook{}
	}
	return b.rotations[len(b.rotations)-1]
}

// Expect takes the robot's keys as they are for given: what is there now is nobody's doing.
func (w *World) Expect(r *Robot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.IAM.Keys(r.User) {
		if r.keys[k.ID] == nil {
			r.keys[k.ID] = &witnessed{theirs: k.ID != r.First.ID}
			w.learn(k.ID)
		}
		r.keys[k.ID].status = k.Status
	}
	for id, seen := range r.keys {
		if seen.status != gone && !w.there(r, id) {
			seen.status = gone
		}
	}
}

// MayGo says that the policy, or an operator, lets keyturn delete a key that it did not make.
func (w *World) MayGo(r *Robot, id rotator.KeyID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.keys[id].mayGo = true
}

func (w *World) there(r *Robot, id rotator.KeyID) bool {
	for _, k := range w.IAM.Keys(r.User) {
		if k.ID == id {
			return true
		}
	}
	return false
}

func (w *World) learn(id rotator.KeyID) {
	if s, ok := w.IAM.Secret(id); ok {
		w.secrets = append(w.secrets, s.Reveal())
	}
}

// Look judges the world as it is. It is called after every change.
func (w *World) Look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.Robots {
		w.lookAtKeys(r)
		w.lookAtStores(r)
		w.lookAtSeal(r)
	}
}

// lookAtKeys judges what keyturn did to the keys since the last look.
func (w *World) lookAtKeys(r *Robot) {
	keys := w.IAM.Keys(r.User)
	if len(keys) > 2 {
		w.breaks("%s has %d keys", r.Name, len(keys))
	}
	there := map[rotator.KeyID]bool{}
	for _, k := range keys {
		there[k.ID] = true
		seen := r.keys[k.ID]
		if seen == nil {
			w.appeared(r, k)
			continue
		}
		if seen.status != k.Status {
			w.changed(r, k, seen)
		}
	}
	for id, seen := range r.keys {
		if seen.status != gone && !there[id] {
			w.vanished(r, id, seen)
		}
	}
}

func (w *World) appeared(r *Robot, k rotator.Key) {
	w.note("key %s appears", k.ID)
	r.keys[k.ID] = &witnessed{status: k.Status, made: true}
	w.learn(k.ID)
	if r.creates--; r.creates < 0 {
		w.breaks("the key %s was made, and the journal does not say that one was to be", k.ID)
	}
}

func (w *World) changed(r *Robot, k rotator.Key, seen *witnessed) {
	w.note("key %s becomes %s", k.ID, k.Status)
	change := rotator.Disable
	if k.Status == rotator.Active {
		change = rotator.Enable
	}
	if !r.intents[k.ID][change] {
		w.breaks("%s the key %s without an intent in the journal", change, k.ID)
	}
	_, contained := r.contained[k.ID]
	if change == rotator.Enable && contained {
		w.breaks("the key %s has leaked, and was reactivated", k.ID)
	}
	if change == rotator.Disable && seen.theirs && !seen.mayGo && !contained {
		w.breaks("the key %s is somebody else's, and was deactivated", k.ID)
	}
	seen.status = k.Status
}

func (w *World) vanished(r *Robot, id rotator.KeyID, seen *witnessed) {
	w.note("key %s is deleted", id)
	_, contained := r.contained[id]
	taken := seen.made && !r.named[id] // taken back at once: another keyturn is at work
	switch {
	case !taken && !r.intents[id][rotator.Remove]:
		w.breaks("the key %s was deleted without an intent in the journal", id)
	case !taken && seen.status == rotator.Active:
		w.breaks("the key %s was deleted while it was Active", id)
	case seen.theirs && !seen.mayGo && !contained:
		w.breaks("the key %s is somebody else's, and was deleted", id)
	}
	seen.status = gone
}

// lookAtStores: whatever pair a required store serves works.
func (w *World) lookAtStores(r *Robot) {
	for _, s := range r.Stores {
		id, text := s.Serves()
		if !r.required[s.Name] || id == "" || s.Theirs() || w.IAM.Works(id, text) || w.torn(r, s) || w.excused(r, id) {
			continue
		}
		seen := r.keys[id]
		if seen == nil {
			seen = &witnessed{status: "unknown"}
		}
		w.breaks("outage: store %s of %s serves %s, which is %s and does not work", s.Name, r.Name, id, seen.status)
	}
}

// torn: a store that changes two variables one after the other may serve a mixed pair in between, of keys that work.
func (w *World) torn(r *Robot, s *Store) bool {
	id, text := s.Serves()
	if !s.Torn || r.keys[id] == nil || r.keys[id].status != rotator.Active {
		return false
	}
	for other := range r.keys {
		if w.IAM.Works(other, text) {
			return true
		}
	}
	return false
}

// excused: an operator's word, or somebody else's doing, took the key away.
func (w *World) excused(r *Robot, id rotator.KeyID) bool {
	seen := r.keys[id]
	if seen == nil {
		return false
	}
	since, leaked := r.contained[id]
	return seen.moved || leaked && !time.Now().Before(since) || seen.mayGo
}

// lookAtSeal: from the moment a key is in the journal its secret is there too, until the rotation is done.
func (w *World) lookAtSeal(r *Robot) {
	p := r.last()
	if p.key == "" || p.forgotten || p.outcome != "" || !w.there(r, p.key) {
		return
	}
	if err := w.sealed(r, p); err != nil {
		w.breaks("the secret of %s is lost: %v", p.key, err)
	}
}

func (w *World) sealed(r *Robot, p *rotationBook) error {
	b, err := w.witness.Sealed(context.Background(), p.id)
	if err != nil {
		return err
	}
	plain, err := Sealer{}.Open(context.Background(), rotator.Binding{
		Account: AccountNumber, User: strings.ToLower(r.User), Rotation: p.id, Key: p.key,
	}, b)
	if err != nil {
		return err
	}
	if s, _ := w.IAM.Secret(p.key); !s.Equal(secret.New(plain)) {
		return errAnotherSecret
	}
	return nil
}

// journalled judges, and notes, what a process wrote.
func (w *World) journalled(op string, s rotator.Stream, e rotator.Event) {
	w.mu.Lock()
	for _, r := range w.Robots {
		ours := s == rotator.UserRef{Account: AccountNumber, User: r.User}.Stream()
		switch {
		case op == "append" && ours:
			w.scan(e)
			r.write(e)
			r.told(e)
		case op == "forget" && r.rotation(e.Rotation) != nil:
			w.forgets(r, r.rotation(e.Rotation))
		}
	}
	w.mu.Unlock()
	w.Look()
}

// scan: no secret is in the log.
func (w *World) scan(e rotator.Event) {
	b, err := json.Marshal(e)
	if err != nil {
		w.breaks("event %s: %v", e.Body.Type(), err)
	}
	for _, text := range w.secrets {
		if strings.Contains(string(b), text) {
			w.breaks("the event %s holds a secret", e.Body.Type())
		}
	}
}

// forgets: the secret is erased only when nobody needs it any more.
func (w *World) forgets(r *Robot, p *rotationBook) {
	if p.forgotten {
		return
	}
	p.forgotten = true
	if p.key == "" || p.abandoned || p.outcome != "" && p != r.last() {
		return
	}
	for _, s := range r.Stores {
		if id, _ := s.Serves(); r.configured(s.Name) && id != p.key && !s.Theirs() && !s.Forgets && p.outcome == "" {
			w.breaks("the secret of %s is erased, and store %s serves %s", p.key, s.Name, id)
		}
	}
}

func (r *Robot) configured(name string) bool {
	for _, s := range r.Sinks {
		if s.Name == name {
			return true
		}
	}
	return false
}

// told notes from when on an operator's word allows that a leaked key is taken away, whoever serves it.
func (r *Robot) told(e rotator.Event) {
	leak, ok := e.Body.(rotator.LeakReported)
	if !ok || leak.Suspected {
		return
	}
	for _, id := range leak.Keys {
		since := e.At.Add(r.Policy.LeakDeadline)
		if r.Policy.OnLeak == rotator.ContainFirst || id == r.last().key {
			since = e.At
		}
		if _, before := r.contained[id]; !before {
			r.contained[id] = since
		}
	}
}

func (b *book) write(e rotator.Event) {
	p := b.rotation(e.Rotation)
	switch body := e.Body.(type) {
	case rotator.Started:
		b.rotations = append(b.rotations, &rotationBook{id: e.Rotation})
	case rotator.IssueIntended:
		b.creates++
		b.attempting = true
	case rotator.IssueFailed:
		b.attempting = false
		b.creates--
	case rotator.Issued:
		b.attempting, b.named[body.Key.ID] = false, true
		p.key, p.forgotten = body.Key.ID, false
	case rotator.KeyIntended:
		if b.intents[body.Key] == nil {
			b.intents[body.Key] = map[rotator.Change]bool{}
		}
		b.intents[body.Key][body.Change] = true
	case rotator.KeyChanged:
		if p != nil && body.Change == rotator.Remove && body.Key == p.key {
			p.key = ""
		}
	case rotator.Resolved:
		p.abandoned = p.abandoned || body.Action == rotator.ResolveAbandon
	case rotator.Finished:
		p.outcome = body.Outcome
	}
}
