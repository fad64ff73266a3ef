package secretsmanager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/goccy/go-yaml"

	"keyturn/internal/standin"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func TestTheExampleIsAConfiguration(t *testing.T) {
	text, err := sinktest.Example(Spec)
	if err != nil {
		t.Fatal(err)
	}
	got := struct{ Secretsmanager *Config }{Spec.New().(*Config)}
	if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := Config{
		SecretID: "ci/deployer", Region: "eu-central-1", Account: "prod",
		Variables: sinks.Variables{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "token"},
	}
	if *got.Secretsmanager != want || want.Validate() != nil {
		t.Errorf("got %+v, %v", *got.Secretsmanager, want.Validate())
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	const arnOf = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:ci/deployer-AbCdEf"
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"no secret":             {Config{}, "secret_id: must not be empty"},
		"a name that is none":   {Config{SecretID: "a b"}, "secret_id: must be 1 to 512 of letters, digits and /_+=.@-"},
		"an ARN of a role":      {Config{SecretID: "arn:aws:iam::111122223333:role/x"}, "secret_id: must be a name, or of the form arn:aws:secretsmanager:region:111122223333:secret:name"},
		"a region that is none": {Config{SecretID: "a", Region: "EU Central"}, "region: is not the name of a region"},
		"two regions":           {Config{SecretID: arnOf, Region: "us-east-1"}, "region: is not the region in the ARN of secret_id"},
		"a name":                {Config{SecretID: "robots/ci-bot@x"}, ""},
		"an ARN":                {Config{SecretID: arnOf, Region: "eu-central-1"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.cfg.Variables = sinks.DefaultVariables
			got := ""
			if err := tt.cfg.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if a := (&Config{SecretID: arnOf}).place(); a != "eu-central-1" {
		t.Errorf("region of the ARN: %q", a)
	}
	a, b := Config{SecretID: "a", Variables: sinks.DefaultVariables}, Config{SecretID: "a", Variables: sinks.DefaultVariables}
	if b.Variables.AccessKeyID = "id"; a.Destination() == b.Destination() {
		t.Error("other fields are the same destination")
	}
}

func TestCheckRefusesWhatAPushCannotWrite(t *testing.T) {
	edit := func(f func(*standin.Secret)) func(*store) {
		return func(s *store) { s.aws.EditSecret(account, region, name, f) }
	}
	deny := func(op string) func(*store) {
		return func(s *store) { s.setFault(always(rotatortest.Denied, op)) }
	}
	tests := map[string]struct {
		make  func(*store)
		class sinks.Class
		want  string
	}{
		"no JSON": {func(s *store) { s.put("hunter2") }, sinks.Refused,
			"secretsmanager: read ci/deployer: the value is not a JSON object: put '{}' or an object with your own fields into it first"},
		"scheduled for deletion": {edit(func(s *standin.Secret) { s.DeletedAt = time.Now() }), sinks.Refused,
			"secretsmanager: use ci/deployer: the secret is scheduled for deletion: restore it with: aws secretsmanager restore-secret --region eu-central-1 --secret-id ci/deployer"},
		"managed by a service": {edit(func(s *standin.Secret) { s.OwningService = "appflow" }), sinks.Refused,
			"secretsmanager: use ci/deployer: the secret is managed by appflow"},
		"a rotation of its own": {edit(func(s *standin.Secret) { s.RotationEnabled = true }), sinks.Refused,
			"secretsmanager: use ci/deployer: the secret has a rotation of its own: end it with: aws secretsmanager cancel-rotate-secret --region eu-central-1 --secret-id ci/deployer"},
		"not allowed to put": {deny("PutSecretValue"), sinks.Denied,
			"secretsmanager: prove permission to write ci/deployer: AccessDeniedException: User is not authorized to perform this action"},
		"not allowed to move labels": {deny("UpdateSecretVersionStage"), sinks.Denied,
			"secretsmanager: prove permission to write ci/deployer: AccessDeniedException: User is not authorized to perform this action"},
		"not allowed to describe": {deny("DescribeSecret"), sinks.Denied,
			"secretsmanager: read ci/deployer: AccessDeniedException: User is not authorized to perform this action"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			tt.make(s)
			_, err := s.open().Check(t.Context())
			if err == nil || err.Error() != tt.want || sinks.ClassOf(err) != tt.class {
				t.Errorf("got  %v (%s)\nwant %s", err, sinks.ClassOf(err), tt.want)
			}
		})
	}
}

func TestASecretThatIsNotThere(t *testing.T) {
	s := newStore(t)
	cfg := s.config()
	cfg.SecretID = "other"
	sink, err := Spec.Open(t.Context(), cfg, s.env())
	if err != nil {
		t.Fatal(err)
	}
	_, err = sink.Check(t.Context())
	const want = "secretsmanager: read other: the secret does not exist in eu-central-1: create it with: aws secretsmanager create-secret --region eu-central-1 --name other --secret-string '{}'"
	if err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Missing {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestASecretWithoutAValueGetsOne(t *testing.T) {
	s := newStore(t)
	s.aws.AddSecret(account, region, "empty", "")
	cfg := s.config()
	cfg.SecretID = "empty"
	sink, err := Spec.Open(t.Context(), cfg, s.env())
	if err != nil {
		t.Fatal(err)
	}
	w, err := sink.Check(t.Context())
	if err != nil || len(w) != 1 || w[0] != "the secret has no value yet: permission to write is not proven" {
		t.Fatalf("check: %q, %v", w, err)
	}
	if id, err := sink.(sinks.Reader).Serving(t.Context()); id != "" || err != nil {
		t.Fatalf("serving: %q, %v", id, err)
	}
	cred := sinktest.NewPair().Credential()
	r, err := sink.Push(t.Context(), cred)
	if err != nil || r.Stamp == "" || r.At.IsZero() {
		t.Fatalf("push: %+v, %v", r, err)
	}
	if e, err := sink.Verify(t.Context(), cred, "", r); e != sinks.Exact || err != nil {
		t.Fatalf("verify: %s, %v", e, err)
	}
}

func TestReadersSeeOnlyWhatWasReadBack(t *testing.T) {
	s := newStore(t)
	sink, cred := s.open(), sinktest.NewPair().Credential()
	s.called()
	r, err := sink.Push(t.Context(), cred)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.called(), " "); got != "GetSecretValue PutSecretValue GetSecretValue UpdateSecretVersionStage" {
		t.Errorf("a push calls %s", got)
	}
	want := strings.TrimSuffix(neighbours, "}") + `,"AWS_ACCESS_KEY_ID":"` + string(cred.KeyID) + `","AWS_SECRET_ACCESS_KEY":"` + cred.Secret.Reveal() + `"}`
	if s.text() != want {
		t.Error("the neighbours are spelled in another way")
	}
	again, err := sink.Push(t.Context(), cred)
	if err != nil || again.Stamp != r.Stamp {
		t.Errorf("a second push: %+v, %v", again, err)
	}
	if got := strings.Join(s.called(), " "); got != "GetSecretValue" {
		t.Errorf("a second push calls %s", got)
	}
}

func TestAPushThatIsRepeatedMakesNoFurtherVersion(t *testing.T) {
	s := newStore(t)
	sink, cred := s.open(), sinktest.NewPair().Credential()
	s.setFault(always(rotatortest.FailAfter, "PutSecretValue"))
	if _, err := sink.Push(t.Context(), cred); !sinks.ClassOf(err).Retryable() {
		t.Fatalf("push: %v", err)
	}
	s.setFault(nil)
	r, err := s.open().Push(t.Context(), cred)
	if err != nil {
		t.Fatal(err)
	}
	s.aws.EditSecret(account, region, name, func(sec *standin.Secret) {
		if len(sec.Versions) != 2 || sec.Current().ID != r.Stamp || !slices.Contains(sec.Versions[0].Stages, "AWSPREVIOUS") {
			t.Errorf("there are %d versions", len(sec.Versions))
		}
	})
}

// TestSomebodyElseWritesMeanwhile changes the secret between the read and the move of the label.
func TestSomebodyElseWritesMeanwhile(t *testing.T) {
	tests := map[string]struct {
		times int
		class sinks.Class
	}{
		"once":       {1, sinks.Unclassified},
		"every time": {pushRounds, sinks.Conflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			sink, cred := s.open(), sinktest.NewPair().Credential()
			s.setFault(func(c rotatortest.Call) rotatortest.Fault {
				if c.Op == "UpdateSecretVersionStage" && c.N <= tt.times {
					s.put(`{"host":"elsewhere","n":` + strings.Repeat("1", c.N) + `}`)
				}
				return rotatortest.None
			})
			_, err := sink.Push(t.Context(), cred)
			if sinks.ClassOf(err) != tt.class {
				t.Fatalf("push: %v", err)
			}
			if tt.class == sinks.Conflict && err.Error() != "secretsmanager: make current ci/deployer: somebody else changed the secret at the same time" {
				t.Errorf("push: %v", err)
			}
			if !strings.HasPrefix(s.text(), `{"host":"elsewhere"`) {
				t.Error("what somebody else wrote is lost")
			}
			if served := strings.Contains(s.text(), string(cred.KeyID)); served != (err == nil) {
				t.Errorf("the pair is served: %t", served)
			}
		})
	}
}

func TestVerifySaysWhatIsServed(t *testing.T) {
	s := newStore(t)
	sink, p := s.open(), sinktest.Pair{ID: "AKIANEW", Secret: "s"}
	tests := map[string]struct{ text, want string }{
		"nothing":        {`{}`, "AWSCURRENT does not serve key AKIANEW alone, but no key"},
		"another key":    {`{"AWS_ACCESS_KEY_ID":"AKIAOLD"}`, "AWSCURRENT does not serve key AKIANEW alone, but key AKIAOLD"},
		"another secret": {`{"AWS_ACCESS_KEY_ID":"AKIANEW","AWS_SECRET_ACCESS_KEY":"x"}`, "AWSCURRENT does not serve key AKIANEW alone, but another secret, or a session token beside it"},
		"no object":      {`hunter2`, "AWSCURRENT is not a JSON object any more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.put(tt.text)
			_, err := sink.Verify(t.Context(), p.Credential(), "", sinks.Receipt{})
			if want := "secretsmanager: verify ci/deployer: " + tt.want; err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Stale {
				t.Errorf("got  %v (%s)\nwant %s", err, sinks.ClassOf(err), want)
			}
		})
	}
}

func TestThePrincipalIsTheSinksOwnIdentity(t *testing.T) {
	s := newStore(t)
	p := s.open().(sinks.Principal)
	for range 2 {
		if arn, err := p.Principal(t.Context()); arn != "arn:aws:iam::111122223333:user/keyturn" || err != nil {
			t.Fatalf("%q, %v", arn, err)
		}
	}
	if n := s.model.Count("GetCallerIdentity"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestOpenFailsWithoutTheAccount(t *testing.T) {
	env := sinks.Env{AWS: func(context.Context, string, string) (aws.Config, error) {
		return aws.Config{}, errors.New("aws account x is not configured")
	}}
	_, err := Spec.Open(t.Context(), &Config{SecretID: "a", Account: "x"}, env)
	if err == nil || err.Error() != "secretsmanager: aws account x is not configured" {
		t.Errorf("%v", err)
	}
}
