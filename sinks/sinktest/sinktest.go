// Package sinktest is the conformance suite that every kind of sink runs.
//
// A kind describes a destination of its own (a small working model of the
// store, or the real one) as a [Target], and the suite tries to break the
// promises of [sinks.Sink] against it:
//
//	func TestConformance(t *testing.T) {
//		sinktest.Run(t, sinktest.Kind{Spec: Spec, New: newTarget})
//	}
//
// Outside of go test the same suite runs by [Report], for sinks that are not part
// of this program. The package does not import testing, so that a command can hold it.
package sinktest

import (
	"context"

	"keyturn/sinks"
)

// T is what a test uses; *testing.T is one.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	TempDir() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any) // does not return
}

// Kind is what the suite is told of a kind of sink.
type Kind struct {
	Spec sinks.Spec
	// New makes a fresh, working destination that holds neighbours and no pair.
	New func(t T) Target
	// Evidence is what Verify gives after a Push; Spec.Best if it is not set. It is less
	// than Spec.Best only where the best evidence is a canary.
	Evidence sinks.Evidence
	// Lacks names the faults that the destination cannot have, and why. The suite says so.
	Lacks map[Fault]string
	// NoSession says why no session token can lie beside the pair, if that is so.
	NoSession string
	// Blind says why the destination can be seen only through the sink, if that is so:
	// Read, Write and Others of its targets are nil.
	Blind string
}

// Target is one destination. Its functions look at it, and change it, without the sink.
type Target struct {
	Config sinks.Config
	Env    sinks.Env

	// Read is what a reader of the destination gets; the zero Pair if it holds none.
	Read func(t T) Pair
	// Write is somebody else who puts p there, with its session token if it has one, and
	// leaves the neighbours alone.
	Write func(t T, p Pair)
	// Others shows all that keyturn must not touch: neighbour variables, comments,
	// other fields, modes. Two equal texts mean that nothing moved.
	Others func(t T) string
	// Order is what was written since the target was made, oldest first, as ID, Secret and Session, of which a push only
	// removes the last. Only stores have it that take one request for each variable.
	Order func(t T) []string
	// Secrets are the sink's own: its token, the password of its login.
	Secrets []string

	// Break makes the destination fail until Heal, which may be called when nothing is
	// broken, and in a clean-up. Both may be nil if the kind lacks every fault.
	Break func(t T, f Fault)
	Heal  func(t T)
}

// What Order is made of.
const (
	ID      = "key id"
	Secret  = "secret"
	Session = "session token"
)

// Fault is a way in which a destination fails, until it is healed.
type Fault string

// The faults.
const (
	Unreachable Fault = "unreachable" // nobody answers, or only a proxy's 502
	Denied      Fault = "denied"      // the sink's credentials are refused for everything
	Missing     Fault = "missing"     // the place to write to does not exist, and Push cannot create it
	FailBefore  Fault = "fail before" // every write fails and is not applied (of several, the last one fails)
	FailAfter   Fault = "fail after"  // every write is applied and its answer is lost
	Hang        Fault = "hang"        // nothing is answered; what was asked meanwhile is never applied
)

// Faults are all there are.
var Faults = []Fault{Unreachable, Denied, Missing, FailBefore, FailAfter, Hang}

// TB is a T that runs parts of itself under a name; *testing.T is one.
type TB[B any] interface {
	T
	Run(name string, f func(B)) bool
}

// Run runs the suite, each test as a subtest.
func Run[B TB[B]](b B, k Kind) {
	b.Helper()
	for _, c := range suite {
		b.Run(c.name, func(t B) {
			t.Helper()
			if reason := c.inapplicable(k); reason != "" {
				t.Logf("not applicable: %s", reason)
				return
			}
			c.run(t, k)
		})
	}
}

// External is a sink of which nothing is known but its configuration: a plugin. Its
// destination must be one that nobody needs: the suite leaves a made-up pair there.
func External(spec sinks.Spec, cfg sinks.Config, env sinks.Env) Kind {
	const reason = "the destination can be seen only through the sink"
	lacks := map[Fault]string{}
	for _, f := range Faults {
		lacks[f] = reason
	}
	return Kind{
		Spec: spec, Lacks: lacks, Blind: reason, NoSession: reason,
		New: func(T) Target { return Target{Config: cfg, Env: env} },
	}
}
