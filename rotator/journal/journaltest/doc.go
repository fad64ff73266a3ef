// Package journaltest is the conformance suite of rotator.Journal: every implementation runs it.
//
//	journaltest.Run(t, func(t *testing.T) rotator.Journal { ... })
//	journaltest.RunShared(t, func(t *testing.T) (a, b rotator.Journal) { ... })
package journaltest
