//go:build !shortdeadlines

package rotator

import "time"

const (
	// claimFor is how long a claim lasts if it is not extended.
	claimFor = 5 * time.Minute
	// actFor is the longest that one action may take; the claim outlasts it.
	actFor = 4 * time.Minute
	// callFor is the deadline of one call to a sink.
	callFor = 60 * time.Second
	// checkFor is the deadline of a sink's check: somebody may be watching, and nothing exists yet.
	checkFor = 10 * time.Second
	// awsFor is the deadline of calls to AWS, waiting for their turn under AWS's rate limit included.
	awsFor = 3 * time.Minute
	// createFor is the deadline of CreateAccessKey.
	createFor = 30 * time.Second
)
