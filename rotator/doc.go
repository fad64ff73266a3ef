// Package rotator is the heart of keyturn: it replaces the access key of an IAM
// user without an outage and without losing a secret.
//
// It reads as a loop. The journal holds what happened ([Event]); [Fold] turns
// that into a [State]; [State.Next], a pure function of the state, the time, the
// policy and a fresh look at the world, names one [Step]; the runner journals
// the intent, acts, and records the outcome. Start and resume are the same call
// ([Rotator.Run]): recovery after a crash is Fold and Next again.
package rotator
