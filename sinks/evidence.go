package sinks

import "fmt"

// Evidence says how well a sink was shown to serve a pair, weakest first.
type Evidence int

// The levels of evidence.
const (
	None     Evidence = iota // nothing is known
	Accepted                 // the store said yes
	Stamped                  // a version or an update time moved with our write
	Partial                  // a fragment is shown and matches
	Exact                    // read back and equal
	Proven                   // "canary": a job in that CI used the pair
)

var evidenceNames = [...]string{"none", "accepted", "stamped", "partial", "exact", "canary"}

// String is the name used in configuration, journal and JSON.
func (e Evidence) String() string {
	if e < 0 || int(e) >= len(evidenceNames) {
		return fmt.Sprintf("evidence(%d)", int(e))
	}
	return evidenceNames[e]
}

// ParseEvidence is the inverse of String.
func ParseEvidence(s string) (Evidence, error) {
	for i, n := range evidenceNames {
		if n == s {
			return Evidence(i), nil
		}
	}
	return None, fmt.Errorf("not a level of evidence; one of accepted, stamped, partial, exact, canary")
}

// MarshalText writes the name.
func (e Evidence) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the name.
func (e *Evidence) UnmarshalText(b []byte) error {
	v, err := ParseEvidence(string(b))
	if err != nil {
		return err
	}
	*e = v
	return nil
}
