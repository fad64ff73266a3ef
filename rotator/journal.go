package rotator

import (
	"context"
	"errors"
)

// Seq is the length of a log: the number of its events.
type Seq int64

// ErrConflict is returned by Append when the log is not as long as the caller thought.
var ErrConflict = errors.New("the log has grown: another keyturn is at work")

// ErrNoSecret is returned by Sealed when nothing is kept for the rotation.
var ErrNoSecret = errors.New("the journal keeps no secret for this rotation")

// ErrClosed is returned by a Journal that was closed.
var ErrClosed = errors.New("the journal is closed")

// Journal keeps append-only logs, one per IAM user and one for leak signals, and,
// beside them, the one thing that can be erased: the sealed secret of each
// rotation. All methods may be called from several goroutines and processes.
type Journal interface {
	// ID is made with the journal and never changes; a copy has the same.
	ID() string
	// Users lists the users that have a log.
	Users(ctx context.Context) ([]UserRef, error)
	// Append adds e to s if s has exactly after events, and returns the new length. What it
	// returned is durable. sealed, if not nil, is stored for e's rotation in the same
	// transaction, in place of what was there. ErrConflict: not written. Any other error: it may have been
	// written; read again and look for e.ID.
	Append(ctx context.Context, s Stream, after Seq, e Event, sealed []byte) (Seq, error)
	// Events reads a whole log. A stream that does not exist is an empty log.
	Events(ctx context.Context, s Stream) (Log, error)
	// Sealed returns what is stored for a rotation. ErrNoSecret.
	Sealed(ctx context.Context, rotation ID) ([]byte, error)
	// Pending lists the rotations that have something stored.
	Pending(ctx context.Context) ([]ID, error)
	// Reseal replaces old by new. ErrConflict if old is not what is stored.
	Reseal(ctx context.Context, rotation ID, old, new []byte) error
	// Forget erases what is stored for a rotation: its bytes are gone from the files when it returns. Idempotent.
	Forget(ctx context.Context, rotation ID) error
	// Owner is this process, as it appears in claims.
	Owner() Owner
	// Gone says that the process behind a claim certainly no longer runs: same host, same boot, and
	// its kernel lock is free. False if in doubt.
	Gone(o Owner) bool
	Close() error
}

// Log is the events of one stream, oldest first.
type Log struct {
	Stream Stream
	Events []Event
}

// Seq is the log's length.
func (l Log) Seq() Seq { return Seq(len(l.Events)) }

// Has says whether the log names an event.
func (l Log) Has(id EventID) bool {
	for i := len(l.Events) - 1; i >= 0; i-- {
		if l.Events[i].ID == id {
			return true
		}
	}
	return false
}

// Owner is a running keyturn.
type Owner struct {
	ID   string `json:"id"`   // random, made when the process opened the journal
	Host string `json:"host"` // host name, for people and for Gone
	Boot string `json:"boot"` // the kernel's boot id: tells a reboot from a restart
	PID  int    `json:"pid"`
}

// Binding is the additional data that ties a sealed secret to what it belongs to.
type Binding struct {
	Account  string
	User     string
	Rotation ID
	Key      KeyID
}

// Sealer encrypts the pending secret.
type Sealer interface {
	// Prepare does everything that can fail or block (a call to KMS) before a key exists, and proves
	// that what it will seal can be opened. b.Key is still empty.
	Prepare(ctx context.Context, b Binding) (Sealing, error)
	// Open decrypts. b must be the binding it was sealed with. The caller wipes the result.
	Open(ctx context.Context, b Binding, sealed []byte) ([]byte, error)
}

// Sealing seals one secret, locally and without waiting.
type Sealing interface {
	Seal(key KeyID, plain []byte) ([]byte, error)
}
