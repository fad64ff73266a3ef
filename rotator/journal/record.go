package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"keyturn/rotator"
)

// Bounds of what is stored. An event is a few hundred bytes, a sealed secret less.
const (
	maxEvent  = 1 << 20
	maxSealed = 64 << 10
)

// record is an event as a row holds it.
type record struct {
	stream rotator.Stream
	seq    rotator.Seq
	id     rotator.EventID
	event  []byte
}

// encode checks what a caller wants to append as number after+1.
func encode(s rotator.Stream, after rotator.Seq, e rotator.Event, sealed []byte) (record, error) {
	switch {
	case s == "":
		return record{}, errors.New("the stream has no name")
	case e.ID == "":
		return record{}, errors.New("the event has no id")
	case sealed != nil && e.Rotation == "":
		return record{}, errors.New("a sealed secret needs an event of a rotation")
	case len(sealed) > maxSealed:
		return record{}, fmt.Errorf("a sealed secret of %d bytes is larger than %d", len(sealed), maxSealed)
	}
	b, err := json.Marshal(e)
	if err != nil {
		return record{}, err
	}
	if len(b) > maxEvent {
		return record{}, fmt.Errorf("event %s of %d bytes is larger than %d", e.ID, len(b), maxEvent)
	}
	return record{stream: s, seq: after + 1, id: e.ID, event: b}, nil
}

// decode reads a row back. It must be number want of its stream, and what was written.
func (r record) decode(want rotator.Seq, sum []byte) (rotator.Event, error) {
	if r.seq != want {
		return rotator.Event{}, fmt.Errorf("%w (event %d is missing)", ErrDamaged, want)
	}
	if len(r.event) > maxEvent || !bytes.Equal(sum, r.sum()) {
		return rotator.Event{}, fmt.Errorf("%w (event %d does not have its checksum)", ErrDamaged, want)
	}
	var e rotator.Event
	if err := json.Unmarshal(r.event, &e); err != nil {
		return rotator.Event{}, err
	}
	return e, nil
}

// sum finds damage that leaves the file well-formed. It is no protection against intent.
func (r record) sum() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%d\x00", r.stream, r.seq)
	h.Write(r.event)
	return h.Sum(nil)[:16]
}

// userRef is the inverse of UserRef.Stream, which is in lower case.
func userRef(s rotator.Stream) (rotator.UserRef, bool) {
	rest, ok := strings.CutPrefix(string(s), "user/")
	account, user, ok2 := strings.Cut(rest, "/")
	return rotator.UserRef{Account: account, User: user}, ok && ok2
}
