package awsiam

import (
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

func TestProbe(t *testing.T) {
	const open, closed = "arn:aws:iam::111122223333:role/deploy", "arn:aws:iam::111122223333:role/closed"
	notYet := refused(403, "InvalidAccessKeyId", "x")
	for name, tc := range map[string]struct {
		unknown bool
		role    string
		fault   func(string, int) fault
		class   rotator.IssuerClass
		text    string
		asked   int
		assumed int
	}{
		"it works":              {asked: 1},
		"it assumes the role":   {role: open, asked: 1, assumed: 1},
		"AWS does not know it":  {unknown: true, class: rotator.ClassNotYet, text: "GetCallerIdentity: InvalidClientTokenId: AWS does not know the key yet", asked: 1},
		"another way to say it": {fault: once("GetCallerIdentity", notYet), class: rotator.ClassNotYet, text: "GetCallerIdentity: InvalidAccessKeyId: AWS does not know the key yet", asked: 1},
		"and another":           {fault: once("GetCallerIdentity", refused(401, "AuthFailure", "x")), class: rotator.ClassNotYet, text: "GetCallerIdentity: AuthFailure: AWS does not know the key yet", asked: 1},
		"only STS's other half knows it": {role: open, fault: once("AssumeRole", notYet),
			class: rotator.ClassNotYet, text: "AssumeRole: InvalidAccessKeyId: AWS does not know the key yet", asked: 1, assumed: 1},
		"the role refuses": {role: closed, asked: 1, assumed: 1, class: rotator.ClassDenied,
			text: "AssumeRole: AccessDenied: User: arn:aws:iam::111122223333:user/robots/ci-bot is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/closed"},
		"a signature refused once":  {fault: once("GetCallerIdentity", refused(403, "SignatureDoesNotMatch", "x")), asked: 2},
		"a signature refused twice": {fault: signatures(2), class: rotator.ClassInvalid, text: "GetCallerIdentity: SignatureDoesNotMatch: AWS knows the key and does not accept its signature", asked: 2},
		"a fault in passing":        {fault: once("GetCallerIdentity", serviceFailure(503)), class: rotator.ClassTemporary, text: "GetCallerIdentity: HTTP 503: ServiceFailure: internal", asked: 1},
		"no connection":             {fault: once("GetCallerIdentity", fault{before: "drop"}), class: rotator.ClassTemporary, text: "GetCallerIdentity: EOF", asked: 1},
		"throttled":                 {fault: once("GetCallerIdentity", fault{sample: "any.throttled"}), asked: 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, time.Millisecond, func(t *testing.T, w *world, i *Issuer) {
				w.fault = tc.fault
				k := w.mint(bot)
				k.active = !tc.unknown
				id, err := i.Probe(t.Context(), rotator.KeyID(k.id), secret.FromString(k.secret), tc.role)
				if tc.text != "" {
					wantError(t, err, tc.class, tc.text)
				} else if want := (rotator.Identity{Account: account, ARN: "arn:aws:iam::111122223333:user/robots/ci-bot", UserID: "AIDARTX3GSDSVHZCMZNH"}); err != nil || id != want {
					t.Errorf("%+v, %v", id, err)
				}
				if w.count("GetCallerIdentity") != tc.asked || w.count("AssumeRole") != tc.assumed {
					t.Errorf("asked %d times, assumed %d times", w.count("GetCallerIdentity"), w.count("AssumeRole"))
				}
			})
		})
	}
}

func signatures(times int) func(string, int) fault {
	return func(_ string, n int) fault {
		if n <= times {
			return refused(403, "SignatureDoesNotMatch", "The Canonical String for this request should have been x-amz-security-token:own/TokenCanary")
		}
		return fault{}
	}
}

func TestProbeAssumesSideBySide(t *testing.T) {
	inBubble(t, time.Second, func(t *testing.T, w *world, i *Issuer) {
		k := w.mint(bot)
		began := time.Now()
		_, err := i.Probe(t.Context(), rotator.KeyID(k.id), secret.FromString(k.secret), "arn:aws:iam::111122223333:role/deploy")
		if err != nil || time.Since(began) != time.Second {
			t.Errorf("%s, %v", time.Since(began), err)
		}
	})
}
