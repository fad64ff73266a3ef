package rotator

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"keyturn/sinks"
)

// KeyID is the id of an AWS access key.
type KeyID = sinks.KeyID

// ID names a rotation: the day it began and 40 random bits, "20261120-7f3k9qx2". Ids sort by day.
type ID string

// NewID makes a fresh ID.
func NewID(now time.Time) ID { return ID(now.UTC().Format("20060102") + "-" + random(5)) }

// EventID names one event. It tells an append that was applied although it failed from one that was not.
type EventID string

// NewEventID makes a fresh EventID.
func NewEventID() EventID { return EventID(random(10)) }

// random is n random bytes in lower-case base32.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// UserRef is what everything belongs to: an account number and the name of an IAM user in it.
type UserRef struct {
	Account string `json:"account"`
	User    string `json:"user"`
}

func (u UserRef) String() string { return u.Account + "/" + u.User }

// Stream is the log of this user. IAM user names are unique without regard to case.
func (u UserRef) Stream() Stream { return Stream("user/" + u.Account + "/" + strings.ToLower(u.User)) }

// Stream names an append-only log in the journal.
type Stream string

// Signals is the stream of leak reports that are not bound to one user.
const Signals Stream = "signals"

// Tag is the key of the tag that an IAM user carries while keyturn manages it.
const Tag = "keyturn"

// TagValue is the tag's value: which journal, and which of its rotations.
func TagValue(journal string, rotation ID) string { return journal + "/" + string(rotation) }

// ParseTag is the inverse of TagValue.
func ParseTag(v string) (journal string, rotation ID, err error) {
	j, r, ok := strings.Cut(v, "/")
	if !ok || j == "" || r == "" {
		return "", "", fmt.Errorf("the tag %s is not of the form journal/rotation", Tag)
	}
	return j, ID(r), nil
}
