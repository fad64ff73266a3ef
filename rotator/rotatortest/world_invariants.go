package rotatortest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
	"keyturn/sinks"
)

// overlooked is how long ago somebody may have written into a store without keyturn's having seen it before it takes a key
// away: a verification counts for a minute, and the call may take three.
const overlooked = 5 * time.Minute

var errAnotherSecret = errors.New("another one is sealed")

// unseen is how long keyturn may not know yet what somebody did to the keys: it looks, decides, and calls.
const unseen = 30 * time.Second

// gone is the status of a key that was deleted.
const gone rotator.KeyStatus = "gone"

// witnessed is what was seen of a key from outside.
type witnessed struct {
	status  rotator.KeyStatus
	made    bool      // by CreateAccessKey of keyturn
	theirs  bool      // made by somebody else while keyturn was at work, or there beside the one that is served
	early   bool      // there when the rotation began
	sole    bool      // the only one that the user had when a new one was to be made
	mayGo   bool      // the policy, or an operator, says that keyturn may delete it
	since   time.Time // when it was first seen
	born    time.Time // by AWS's clock
	served  bool      // by a store, at some time
	moved   bool      // somebody else deactivated or deleted it
	movedAt time.Time
	woken   time.Time // when somebody else activated it
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
	w.expect(r)
}

func (w *World) expect(r *Robot) {
	for _, k := range w.IAM.Keys(r.User) {
		if r.keys[k.ID] == nil {
			r.keys[k.ID] = &witnessed{theirs: k.ID != r.First.ID, born: k.CreatedAt, since: time.Now()}
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
	w.look()
}

func (w *World) look() {
	for _, r := range w.Robots {
		w.lookAtKeys(r)
		w.lookAtStores(r)
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

// mayGo: an operator said so, or the policy make_room, or it was the only key that the user had.
func (w *World) mayGo(r *Robot, seen *witnessed) bool {
	switch r.Policy.MakeRoom {
	case rotator.RoomInactive:
		return seen.mayGo || seen.sole || seen.status == rotator.Inactive
	case rotator.RoomUnused: // the model's other people do not use their keys
		return seen.mayGo || seen.sole || seen.status == rotator.Inactive || w.IAM.Clock().Sub(seen.born) > 24*time.Hour
	}
	return seen.mayGo || seen.sole
}

func (w *World) appeared(r *Robot, k rotator.Key) {
	w.note("key %s appears", k.ID)
	r.keys[k.ID] = &witnessed{status: k.Status, made: true}
	w.learn(k.ID)
	if r.creates--; r.creates < 0 {
		w.breaks("the key %s was made, and the journal does not say that one was to be", k.ID)
	}
	w.owns(r, "make the key "+string(k.ID))
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
	if change == rotator.Disable && seen.theirs && !contained && !w.mayGo(r, seen) {
		w.breaks("the key %s is somebody else's, and was deactivated", k.ID)
	}
	if change == rotator.Disable {
		w.takenAway(r, k.ID)
	}
	seen.status = k.Status
}

// owns: another journal's tag is seen before a key is made or taken away.
func (w *World) owns(r *Robot, what string) {
	if !r.takenAt.IsZero() && time.Since(r.takenAt) > overlooked && w.IAM.UserTag(r.User, rotator.Tag) == OtherTag {
		w.breaks("to %s, though the user has been another journal's since %s", what, r.takenAt.UTC().Format(time.TimeOnly))
	}
}

// takenAway: not while a store shows that it serves the key, even if somebody else wrote it there: keyturn looks
// again just before.
func (w *World) takenAway(r *Robot, id rotator.KeyID) {
	if w.excused(r, id) {
		return
	}
	if id != r.last().key {
		w.owns(r, "take away the key "+string(id))
		if seen := r.keys[r.last().key]; seen != nil && r.keys[id].served && seen.moved && time.Since(seen.movedAt) > overlooked {
			w.breaks("the key %s was taken away, and its successor %s is %s", id, r.last().key, seen.status)
		}
	}
	for _, s := range r.Stores {
		served, _ := s.Serves()
		if r.required[s.Name] && served == id && s.Best >= sinks.Stamped && s.Theirs() && time.Since(s.since()) > overlooked {
			w.breaks("the key %s was taken away, and store %s has served it since %s", id, s.Name, s.since().UTC().Format(time.TimeOnly))
		}
	}
}

func (w *World) vanished(r *Robot, id rotator.KeyID, seen *witnessed) {
	w.note("key %s is deleted", id)
	_, contained := r.contained[id]
	taken := seen.made && !r.named[id] // taken back at once: another keyturn is at work
	given := !seen.made || seen.served
	switch {
	case !taken && !r.intents[id][rotator.Remove]:
		w.breaks("the key %s was deleted without an intent in the journal", id)
	case given && !contained && seen.status == rotator.Active && time.Since(seen.woken) > unseen:
		w.breaks("the key %s was deleted while it was Active", id)
	case seen.theirs && !contained && !w.mayGo(r, seen):
		w.breaks("the key %s is somebody else's, and was deleted", id)
	}
	w.takenAway(r, id)
	seen.status = gone
}

// lookAtStores: whatever pair a required store serves works.
func (w *World) lookAtStores(r *Robot) {
	for _, s := range r.Stores {
		id, text := s.Serves()
		if r.keys[id] != nil && w.IAM.Works(id, text) {
			r.keys[id].served = true
		}
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
		if secretText, _ := w.IAM.Secret(other); secretText.EqualString(text) {
			return w.excused(r, other) || w.IAM.Works(other, text)
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

// sealed says whether the secret of p's key is kept. It is called under the journal's lock.
func (w *World) sealed(r *Robot, p *rotationBook) error {
	b, ok := w.witness.store.sealed[p.id]
	if !ok {
		return rotator.ErrNoSecret
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
			w.adopts(r, e)
			r.write(e)
			r.told(e)
			r.plans(e)
			w.lookAtSeal(r)
		case r.rotation(e.Rotation) != nil:
			if op == "forget" {
				w.forgets(r, r.rotation(e.Rotation))
			}
			w.lookAtSeal(r)
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
	if p.key == "" || p.abandoned || w.copied || p.outcome != "" && p != r.last() {
		return
	}
	for _, s := range r.Stores {
		if id, _ := s.Serves(); r.counts(s.Name) && id != p.key && !s.Theirs() && !s.Forgets && p.outcome == "" {
			w.breaks("the secret of %s is erased, and store %s serves %s", p.key, s.Name, id)
		}
	}
}

// counts says that the rotation serves the store.
func (r *Robot) counts(name string) bool {
	return r.planned[name] && slices.ContainsFunc(r.Sinks, func(s rotator.Sink) bool { return s.Name == name })
}

// elsewhere notes what a process on a copy of the journal is about to do.
func (w *World) elsewhere(op string, s rotator.Stream, e rotator.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.Robots {
		if op != "append" || s != (rotator.UserRef{Account: AccountNumber, User: r.User}).Stream() {
			continue
		}
		w.scan(e)
		switch e.Body.(type) {
		case rotator.IssueIntended, rotator.IssueFailed, rotator.KeyIntended:
			r.write(e)
		}
		w.adopts(r, e)
		r.plans(e)
	}
}

// adopts: the only key that a user has when a new one is to be made, and that was there when the rotation began, is the
// one that is replaced, whoever made it.
func (w *World) adopts(r *Robot, e rotator.Event) {
	switch e.Body.(type) {
	case rotator.Started:
		for id, seen := range r.keys {
			seen.early = w.there(r, id)
		}
		return
	case rotator.IssueIntended:
	default:
		return
	}
	for _, seen := range r.keys {
		if seen.theirs && time.Since(seen.since) < unseen { // made after the last look, and cannot be told from what is made now
			seen.mayGo = true
		}
	}
	if keys := w.IAM.Keys(r.User); len(keys) == 1 && r.keys[keys[0].ID] != nil {
		r.keys[keys[0].ID].sole = r.keys[keys[0].ID].early
	}
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

// plans: what is to be served, and what of that is required, is what the configuration said when the rotation began or
// when a run went on with it. Until it ends a requirement is never relaxed.
func (r *Robot) plans(e rotator.Event) {
	var plans []rotator.SinkPlan
	switch body := e.Body.(type) {
	case rotator.Started:
		clear(r.required)
		clear(r.planned)
		plans = body.Sinks
	case rotator.SinksChanged:
		plans = body.Sinks
	}
	for _, s := range plans {
		r.planned[s.Name] = true
		if s.Required {
			r.required[s.Name] = true
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
