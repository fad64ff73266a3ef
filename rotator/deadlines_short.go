//go:build shortdeadlines

package rotator

import "time"

// For tests that freeze a real process for longer than its claim. What each means is in deadlines.go.
const (
	claimFor  = 6 * time.Second
	actFor    = 5 * time.Second
	callFor   = 3 * time.Second
	checkFor  = 3 * time.Second
	awsFor    = 4 * time.Second
	createFor = 3 * time.Second
)
