package rotator_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"time"
)

// budget is how long a search goes on: usually d, or a share of KEYTURN_WORLD, as `make fuzz-world` sets it.
func budget(d time.Duration, share float64) time.Duration {
	if told, err := time.ParseDuration(os.Getenv("KEYTURN_WORLD")); err == nil {
		return time.Duration(float64(told) * share)
	}
	return d
}

// seed is KEYTURN_WORLD_SEED; otherwise always the same, so that a change is judged by what it changed, and another one
// each time in a long search.
func seed() uint64 {
	if told, err := strconv.ParseUint(os.Getenv("KEYTURN_WORLD_SEED"), 10, 64); err == nil {
		return told
	}
	if os.Getenv("KEYTURN_WORLD") == "" {
		return 4711
	}
	return rand.Uint64N(1_000_000)
}
