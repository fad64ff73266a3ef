package sinktest

import (
	"crypto/rand"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// Pair is what lies at a destination.
type Pair struct {
	ID, Secret   string
	SessionToken string // only beside a pair that somebody else wrote
}

// Credential is p as a sink takes it.
func (p Pair) Credential() sinks.Credential {
	return sinks.Credential{KeyID: sinks.KeyID(p.ID), Secret: secret.FromString(p.Secret)}
}

// NewPair makes up a pair in the shape of AWS's, different each time. The secret holds
// the characters that careless encoders change.
func NewPair() Pair {
	s := strings.ToLower(rand.Text()) + "/+" + rand.Text()
	return Pair{ID: "AKIA" + rand.Text()[:16], Secret: s[:40]}
}

// newSessionPair is a pair with the session token of an assumed role.
func newSessionPair() Pair {
	p := NewPair()
	p.SessionToken = "FwoGZXIvYXdzE/" + rand.Text() + "=="
	return p
}
