package hardening_test

import (
	"bytes"
	"testing"

	"go.uber.org/zap/zapcore"

	"keyturn/internal/hardening"
)

func TestScrub(t *testing.T) {
	const (
		id     = "AKIAIOSFODNN7EXAMPLE"
		secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	)
	for name, tc := range map[string]struct{ in, want string }{
		"a pair in one field loses its secret":       {`{"msg":"` + id + ":" + secret + `"}`, `{"msg":"` + id + `:[redacted]"}`},
		"a pair in two fields loses its secret":      {`{"k":"` + id + `","s":"` + secret + `"}`, `{"k":"` + id + `","s":"[redacted]"}`},
		"a line without a key id is left alone":      {`{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}`, `{"sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}`},
		"longer and shorter runs are left alone":     {id + " " + secret + "x " + secret[1:], id + " " + secret + "x " + secret[1:]},
		"a line that only names a key is left alone": {`{"key_id":"` + id + `"}`, `{"key_id":"` + id + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			n, err := hardening.Scrub(zapcore.AddSync(&b)).Write([]byte(tc.in))
			if err != nil || n != len(tc.in) {
				t.Fatalf("Write = %d, %v", n, err)
			}
			if b.String() != tc.want {
				t.Errorf("got %s, want %s", &b, tc.want)
			}
		})
	}
}
