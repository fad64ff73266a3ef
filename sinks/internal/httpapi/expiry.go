package httpapi

import (
	"fmt"
	"strings"
	"time"

	"keyturn/sinks"
)

// soon is when a token that somebody must renew deserves a warning.
const soon = 14 * 24 * time.Hour

// Expiring warns of a token that ends within two weeks by the store's clock now; kind begins the warning. Zero times give none.
func Expiring(kind string, ends, now time.Time) []sinks.Warning {
	if now.IsZero() {
		now = time.Now()
	}
	left := ends.Sub(now)
	switch {
	case ends.IsZero() || left > soon:
		return nil
	case left <= 0:
		return []sinks.Warning{sinks.Warning(kind + ": the token has run out")}
	case left > 48*time.Hour:
		return []sinks.Warning{sinks.Warning(fmt.Sprintf("%s: the token runs out in %d days", kind, int(left.Hours()/24)))}
	}
	return []sinks.Warning{sinks.Warning(kind + ": the token runs out in " + strings.TrimSuffix(left.Round(time.Minute).String(), "0s"))}
}
