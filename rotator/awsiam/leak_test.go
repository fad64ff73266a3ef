package awsiam

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"keyturn/rotator"
)

// canaries are parts of every secret in this package's tests.
var canaries = []string{"SecretCanary", "TokenCanary"}

func TestNothingThatIsReturnedShowsASecret(t *testing.T) {
	faults := map[string]fault{
		"none":         {},
		"cut":          {after: "cut"},
		"dropped":      {after: "drop"},
		"hangs":        {after: "hang"},
		"throttled":    sampled("any.throttled"),
		"signature":    refused(403, "SignatureDoesNotMatch", "x-amz-security-token:own/TokenCanary"),
		"quoted":       {status: 200, body: "<CreateAccessKeyResponse><SecretAccessKey>SecretCanary</TokenCanary></x>"},
		"quoted error": {status: 403, body: "<SecretCanary></TokenCanary>"},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			attempt := 10 * time.Second
			if f.after == "hang" {
				attempt = 200 * time.Millisecond
			}
			i := w.open(t, attempt)
			if f.after != "cut" {
				w.fault = once("GetCallerIdentity", f)
				_, err := i.Caller(soon(t, 500*time.Millisecond))
				shows(t, err)
			}
			w.fault = once("CreateAccessKey", f)
			k, s, err := i.Create(soon(t, 500*time.Millisecond), bot)
			shows(t, k, s, err, i)
			if err == nil {
				w.fault = once("AssumeRole", f)
				id, err := i.Probe(t.Context(), k.ID, s, "arn:aws:iam::111122223333:role/deploy")
				shows(t, id, err, i)
			}
		})
	}
}

// shows fails if any way to print the values, or what their errors wrap, holds a secret.
func shows(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			text := fmt.Sprintf(verb, v)
			for _, c := range canaries {
				if strings.Contains(text, c) || strings.Contains(text, fmt.Sprintf("%x", c)) {
					t.Errorf("%s of %T shows %s", verb, v, c)
				}
			}
		}
		var e *rotator.IssuerError
		if err, ok := v.(error); ok && errors.As(err, &e) {
			shows(t, *e)
			for inner := e.Err; inner != nil; inner = errors.Unwrap(inner) {
				shows(t, inner)
			}
		}
	}
}
