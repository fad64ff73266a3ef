package ssm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

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
	got := struct{ SSM *Config }{Spec.New().(*Config)}
	if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := Config{
		Name: "/ci/deployer/aws", Region: "eu-central-1", Account: "prod", KMSKeyID: "alias/ci",
		Variables: sinks.Variables{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "token"},
	}
	if *got.SSM != want || want.Validate() != nil {
		t.Errorf("got %+v, %v", *got.SSM, want.Validate())
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"no name":               {Config{}, "name: must not be empty"},
		"a name that is none":   {Config{Name: "/a b"}, "name: must be letters, digits and _.- in levels separated by /"},
		"an ARN":                {Config{Name: "arn:aws:ssm:eu-central-1:111122223333:parameter/a"}, "name: must be letters, digits and _.- in levels separated by /"},
		"a selector":            {Config{Name: "/a:3"}, "name: must be letters, digits and _.- in levels separated by /"},
		"levels without a root": {Config{Name: "a/b"}, "name: of several levels must begin with /"},
		"too many levels":       {Config{Name: strings.Repeat("/a", 16)}, "name: must have at most 15 levels"},
		"a name of AWS's own":   {Config{Name: "/AWS-x/y"}, "name: must not begin with aws or ssm: Parameter Store keeps those for itself"},
		"a region that is none": {Config{Name: "a", Region: "EU"}, "region: is not the name of a region"},
		"a key that is none":    {Config{Name: "a", KMSKeyID: "a key"}, "kms_key_id: is not the id, the ARN or the alias of a key"},
		"a plain name":          {Config{Name: "ci-bot.aws"}, ""},
		"fifteen levels":        {Config{Name: strings.Repeat("/a", 15), KMSKeyID: "arn:aws:kms:eu-central-1:111122223333:key/1-2"}, ""},
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
}

func TestCheckRefusesWhatAPushCannotWrite(t *testing.T) {
	edit := func(f func(*standin.Parameter)) func(*store) {
		return func(s *store) { s.aws.EditParameter(account, region, name, f) }
	}
	deny := func(op string) func(*store) {
		return func(s *store) { s.setFault(always(rotatortest.Denied, op)) }
	}
	tests := map[string]struct {
		make  func(*store)
		class sinks.Class
		want  string
	}{
		"not encrypted": {edit(func(p *standin.Parameter) { p.Type = "String" }), sinks.Refused,
			"ssm: read /ci/deployer: the parameter is of type String, which is not encrypted: delete it, and let keyturn create it as a SecureString"},
		"no JSON": {func(s *store) { s.put("hunter2") }, sinks.Refused,
			"ssm: read /ci/deployer: the value is not a JSON object: put {} or an object with your own fields into it first"},
		"no room for the pair": {func(s *store) {
			s.put(`{"a":"` + strings.Repeat("x", 4000) + `"}`)
			edit(func(p *standin.Parameter) { p.Tier = "Standard" })(s)
		}, sinks.Refused, "ssm: write /ci/deployer: the object with the pair has 4118 bytes, and the parameter's tier allows 4096"},
		"not allowed to read": {deny("GetParameter"), sinks.Denied,
			"ssm: read /ci/deployer: AccessDeniedException: User is not authorized to perform this action"},
		"not allowed to write": {deny("PutParameter"), sinks.Denied,
			"ssm: prove permission to write /ci/deployer: AccessDeniedException: User is not authorized to perform this action"},
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

func TestAParameterThatIsNotThereIsCreated(t *testing.T) {
	s := newStore(t)
	cfg := s.config()
	cfg.Name, cfg.KMSKeyID = "/ci/new", "alias/own"
	sink, err := Spec.Open(t.Context(), cfg, s.env())
	if err != nil {
		t.Fatal(err)
	}
	w, err := sink.Check(t.Context())
	if err != nil || len(w) != 1 || w[0] != "the parameter does not exist: the first push creates it; permission to write is not proven" {
		t.Fatalf("check: %q, %v", w, err)
	}
	cred := sinktest.NewPair().Credential()
	_, err = sink.Verify(t.Context(), cred, "", sinks.Receipt{})
	if err == nil || err.Error() != "ssm: verify /ci/new: the parameter does not exist" || sinks.ClassOf(err) != sinks.Missing {
		t.Fatalf("verify: %v", err)
	}
	r, err := sink.Push(t.Context(), cred)
	if err != nil || r.Stamp != "1" || r.At.IsZero() {
		t.Fatalf("push: %+v, %v", r, err)
	}
	if e, err := sink.Verify(t.Context(), cred, "", r); e != sinks.Exact || err != nil {
		t.Fatalf("verify: %s, %v", e, err)
	}
	s.aws.EditParameter(account, region, "/ci/new", func(p *standin.Parameter) {
		if p.Type != "SecureString" || p.KeyID != "alias/own" {
			t.Errorf("type %s, key %s", p.Type, p.KeyID)
		}
	})
}

func TestTheKeyIsKeptAsFarAsItIsSeen(t *testing.T) {
	tests := map[string]struct {
		configured string
		blind      bool
		warnings   []sinks.Warning
		key        string
	}{
		"seen":                    {key: "alias/ci"},
		"configured":              {configured: "alias/other", key: "alias/other"},
		"configured and not seen": {configured: "alias/ci", blind: true, key: "alias/ci"},
		"not seen": {blind: true, key: "alias/aws/ssm", warnings: []sinks.Warning{
			"the parameter's key cannot be seen: a push encrypts with aws/ssm; allow ssm:DescribeParameters or set kms_key_id",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.aws.EditParameter(account, region, "/ci/deployer", func(p *standin.Parameter) { p.Tier = "Standard" })
			if tt.blind {
				s.setFault(always(rotatortest.Denied, "DescribeParameters"))
			}
			cfg := s.config()
			cfg.KMSKeyID = tt.configured
			sink, err := Spec.Open(t.Context(), cfg, s.env())
			if err != nil {
				t.Fatal(err)
			}
			if w, err := sink.Check(t.Context()); err != nil || !slices.Equal(w, tt.warnings) {
				t.Errorf("check: %q, %v", w, err)
			}
			if _, err := sink.Push(t.Context(), sinktest.NewPair().Credential()); err != nil {
				t.Fatal(err)
			}
			s.aws.EditParameter(account, region, "/ci/deployer", func(p *standin.Parameter) {
				if p.KeyID != tt.key {
					t.Errorf("the key is %s", p.KeyID)
				}
			})
		})
	}
}

func TestASecondPushWritesNothing(t *testing.T) {
	s := newStore(t)
	sink, cred := s.open(), sinktest.NewPair().Credential()
	r, err := sink.Push(t.Context(), cred)
	if err != nil || r.Stamp != "2" {
		t.Fatalf("push: %+v, %v", r, err)
	}
	want := strings.TrimSuffix(neighbours, "}") + `,"AWS_ACCESS_KEY_ID":"` + string(cred.KeyID) + `","AWS_SECRET_ACCESS_KEY":"` + cred.Secret.Reveal() + `"}`
	if s.text() != want {
		t.Error("the neighbours are spelled in another way")
	}
	s.called()
	if again, err := sink.Push(t.Context(), cred); err != nil || again.Stamp != "2" {
		t.Errorf("a second push: %+v, %v", again, err)
	}
	if got := strings.Join(s.called(), " "); got != "GetParameter" {
		t.Errorf("a second push calls %s", got)
	}
}

func TestVerifySaysWhatIsServed(t *testing.T) {
	s := newStore(t)
	sink, p := s.open(), sinktest.Pair{ID: "AKIANEW", Secret: "s"}
	tests := map[string]struct{ text, want string }{
		"nothing":        {`{}`, "the parameter does not serve key AKIANEW alone, but no key"},
		"another key":    {`{"AWS_ACCESS_KEY_ID":"AKIAOLD"}`, "the parameter does not serve key AKIANEW alone, but key AKIAOLD"},
		"another secret": {`{"AWS_ACCESS_KEY_ID":"AKIANEW","AWS_SECRET_ACCESS_KEY":"x"}`, "the parameter does not serve key AKIANEW alone, but another secret, or a session token beside it"},
		"no object":      {`hunter2`, "the parameter is not a JSON object any more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.put(tt.text)
			_, err := sink.Verify(t.Context(), p.Credential(), "", sinks.Receipt{})
			if want := "ssm: verify /ci/deployer: " + tt.want; err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Stale {
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
	_, err := Spec.Open(t.Context(), &Config{Name: "a", Account: "x"}, env)
	if err == nil || err.Error() != "ssm: aws account x is not configured" {
		t.Errorf("%v", err)
	}
}
