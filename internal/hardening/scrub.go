package hardening

import (
	"bytes"
	"regexp"

	"go.uber.org/zap/zapcore"
)

var (
	keyID = regexp.MustCompile(`\bA(KIA|SIA)[A-Z2-7]{12,}\b`)
	run   = regexp.MustCompile(`[A-Za-z0-9/+]+`)
)

// secretLength is the length of every secret access key.
const secretLength = 40

// Scrub is a second line of defence for a log: in a line that names an access key, whatever has the shape of a
// secret access key is replaced. Nothing should ever reach it. Each Write must be a whole entry, as zap's are.
func Scrub(w zapcore.WriteSyncer) zapcore.WriteSyncer { return scrubber{w} }

type scrubber struct{ zapcore.WriteSyncer }

func (s scrubber) Write(p []byte) (int, error) {
	if !keyID.Match(p) {
		return s.WriteSyncer.Write(p)
	}
	clean := run.ReplaceAllFunc(p, func(b []byte) []byte {
		if len(b) != secretLength {
			return b
		}
		return []byte("[redacted]")
	})
	if bytes.Equal(clean, p) {
		return s.WriteSyncer.Write(p)
	}
	if _, err := s.WriteSyncer.Write(clean); err != nil {
		return 0, err
	}
	return len(p), nil
}
