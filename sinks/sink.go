// Package sinks is the contract between keyturn and the places that serve a
// key pair: CI secret stores, Vault, files, plugins.
//
// A kind of sink lives in its own folder, ties a typed configuration to a
// constructor with [Define], and runs the conformance suite of package
// sinktest. The rotator knows nothing of kinds: it sees a [Sink], and how well
// that sink was shown to serve a pair ([Evidence]).
package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"keyturn/internal/secret"
)

// KeyID is the id of an AWS access key (AKIA...). It is not secret.
type KeyID string

// Credential is the pair a sink is to serve.
type Credential struct {
	KeyID  KeyID
	Secret secret.Text
}

// Sink serves credentials to its readers. Its methods may be called from
// several goroutines. Each returns before ctx ends: after that nothing it
// started goes on.
type Sink interface {
	// Check says, before any key exists, whether a Push would be accepted:
	// reachable, authenticated, allowed to write, name legal. It writes nothing.
	// A warning is something an operator should know that does not prevent a Push.
	Check(ctx context.Context) ([]Warning, error)

	// Push makes cred the one served. It changes nothing that it does not own.
	// Repeating it is harmless and heals a half-done Push. The receipt is
	// journalled, and given to every later Verify of the same pair.
	Push(ctx context.Context, cred Credential) (Receipt, error)

	// Verify says how well the destination is shown to serve cred and not prev,
	// which is empty if nothing was served before. It fails with class [Stale] if the
	// destination positively shows another pair, and with another class if it
	// cannot tell.
	Verify(ctx context.Context, cred Credential, prev KeyID, r Receipt) (Evidence, error)
}

// ErrBlind is returned by Serving of a kind that can read some of its destinations, but not this one.
var ErrBlind = errors.New("the destination cannot be read")

// Reader is a sink that can say which key it serves. An error is not "none": a
// destination that is reachable and holds no pair returns "" and nil.
type Reader interface {
	Serving(ctx context.Context) (KeyID, error)
}

// Principal is a sink that authenticates with an AWS identity of its own; its ARN.
// Such an identity must not be the robot that is rotated. "" means none.
type Principal interface {
	Principal(ctx context.Context) (string, error)
}

// Limited is a sink that knows only once it is open how good its evidence can be: a plugin says so itself.
type Limited interface{ Best() Evidence }

// Canary is a sink whose store can run a job that uses the pair. It survives a crash
// between its two calls: run is journalled.
type Canary interface {
	StartCanary(ctx context.Context, cred Credential) (run string, err error)
	CanaryResult(ctx context.Context, run string) (done bool, err error)
}

// Receipt is what a Push leaves behind for Verify. It is journalled and holds no secret.
type Receipt struct {
	// Stamp is the version, ETag or update time that the write left.
	Stamp string `json:"stamp,omitempty"`
	// At is when the store says it wrote, by its own clock if it tells one.
	At time.Time `json:"at,omitzero"`
	// Data is whatever else the kind wants to find again.
	Data json.RawMessage `json:"data,omitempty"`
}

// Warning is a finding that does not prevent a Push: "shadowed by an environment secret".
type Warning string
