package ssm

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"keyturn/internal/standin"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

const (
	account    = "111122223333"
	region     = "eu-central-1"
	name       = "/ci/deployer"
	neighbours = `{"host":"db<1>","port":5432.0,"AWS_DEFAULT_REGION":"eu-central-1"}`
)

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Kind{
		Spec: Spec, New: func(t sinktest.T) sinktest.Target { return newStore(t).target() },
		Lacks: map[sinktest.Fault]string{sinktest.Missing: "a parameter that is missing is created"},
	})
}

// store is a Parameter Store with one parameter, and who uses it.
type store struct {
	t     sinktest.T
	aws   *standin.Server
	model *rotatortest.IAM
	sdk   aws.Config
	key   string // of the sink itself

	mu     sync.Mutex
	broken func(rotatortest.Call) rotatortest.Fault
	ops    []string
}

func newStore(t sinktest.T) *store {
	t.Helper()
	m := rotatortest.NewIAM(account)
	server, err := standin.Start(m)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { _ = server.Close() })
	m.AddUser("keyturn", "/")
	k, text, err := m.AddKey("keyturn", 0)
	if err != nil {
		t.Fatalf("%v", err)
	}
	s := &store{t: t, aws: server, model: m, key: text.Reveal()}
	s.sdk = aws.Config{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 2,
		Credentials: credentials.NewStaticCredentialsProvider(string(k.ID), s.key, ""),
	}
	server.StoreFault = s.fault
	server.AddParameter(account, region, standin.Parameter{
		Name: name, Type: "SecureString", KeyID: "alias/ci", Tier: "Advanced", Description: "the deployer's", DataType: "text",
		AllowedPattern: `^\{`, Values: []string{neighbours},
	})
	return s
}

func (s *store) env() sinks.Env {
	return sinks.Env{AWS: func(_ context.Context, _, r string) (aws.Config, error) {
		c := s.sdk.Copy()
		if r != "" {
			c.Region = r
		}
		return c, nil
	}}
}

func (s *store) config() *Config {
	c := Spec.New().(*Config)
	c.Name = name
	return c
}

func (s *store) open() sinks.Sink {
	s.t.Helper()
	sink, err := Spec.Open(s.t.Context(), s.config(), s.env())
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return sink
}

func (s *store) fault(c rotatortest.Call) rotatortest.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops = append(s.ops, c.Op)
	if s.broken == nil {
		return rotatortest.None
	}
	return s.broken(c)
}

func (s *store) setFault(f func(rotatortest.Call) rotatortest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = f
}

// called are the actions since the last time.
func (s *store) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := s.ops
	s.ops = nil
	return ops
}

// always is f for the actions named, or for all.
func always(f rotatortest.Fault, ops ...string) func(rotatortest.Call) rotatortest.Fault {
	return func(c rotatortest.Call) rotatortest.Fault {
		if len(ops) == 0 || slices.Contains(ops, c.Op) {
			return f
		}
		return rotatortest.None
	}
}

// text is what readers get.
func (s *store) text() (text string) {
	s.aws.EditParameter(account, region, name, func(p *standin.Parameter) {
		if p != nil {
			text = p.Value()
		}
	})
	return text
}

func (s *store) put(text string) {
	s.aws.EditParameter(account, region, name, func(p *standin.Parameter) { p.Values = append(p.Values, text) })
}

func (s *store) fields() map[string]any {
	fields := map[string]any{}
	_ = json.Unmarshal([]byte(s.text()), &fields)
	return fields
}

func (s *store) target() sinktest.Target {
	return sinktest.Target{
		Config: s.config(), Env: s.env(), Secrets: []string{s.key},
		Read: func(sinktest.T) sinktest.Pair {
			f := s.fields()
			text := func(n string) string { v, _ := f[n].(string); return v }
			return sinktest.Pair{ID: text("AWS_ACCESS_KEY_ID"), Secret: text("AWS_SECRET_ACCESS_KEY"), SessionToken: text("AWS_SESSION_TOKEN")}
		},
		Write: func(t sinktest.T, p sinktest.Pair) {
			f := s.fields()
			f["AWS_ACCESS_KEY_ID"], f["AWS_SECRET_ACCESS_KEY"] = p.ID, p.Secret
			if delete(f, "AWS_SESSION_TOKEN"); p.SessionToken != "" {
				f["AWS_SESSION_TOKEN"] = p.SessionToken
			}
			b, err := json.Marshal(f)
			if err != nil {
				t.Fatalf("%v", err)
			}
			s.put(string(b))
		},
		Others: func(sinktest.T) string {
			f := s.fields()
			for n := range f {
				if strings.HasPrefix(n, "AWS_") && n != "AWS_DEFAULT_REGION" {
					delete(f, n)
				}
			}
			b, _ := json.Marshal(f)
			s.aws.EditParameter(account, region, name, func(p *standin.Parameter) {
				b = append(b, strings.Join([]string{p.Type, p.KeyID, p.Tier, p.Description, p.DataType, p.AllowedPattern}, "|")...)
			})
			return string(b)
		},
		Break: s.breakAs,
		Heal:  func(sinktest.T) { s.setFault(nil) },
	}
}

func (s *store) breakAs(_ sinktest.T, f sinktest.Fault) {
	switch f {
	case sinktest.Unreachable:
		s.setFault(always(rotatortest.Unreachable))
	case sinktest.Denied:
		s.setFault(always(rotatortest.Denied))
	case sinktest.FailBefore:
		s.setFault(always(rotatortest.FailBefore, "PutParameter"))
	case sinktest.FailAfter:
		s.setFault(always(rotatortest.FailAfter, "PutParameter"))
	case sinktest.Hang:
		s.setFault(always(rotatortest.Hang))
	}
}
