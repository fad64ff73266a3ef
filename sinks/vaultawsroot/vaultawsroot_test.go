package vaultawsroot

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

const noSession = "the engine has no field for a session token"

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*server){
		"an engine that is configured":     func(s *server) { s.configured() },
		"an engine of an older version":    func(s *server) { s.configured(); s.old = true },
		"an engine that is not configured": func(*server) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, NoSession: noSession, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t)
				change(s)
				return s.target(s.config(t))
			}})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

func opened(t *testing.T, change func(*server)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t)
	s.configured()
	if change != nil {
		change(s)
	}
	sink, err := Spec.Open(t.Context(), s.config(t), sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return s, sink
}

// briefly is the time of a call that may retry until its end.
func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAFailureIsNamed(t *testing.T) {
	const itself = "Vault rotates this key itself (rotation_period, rotation_schedule): only one of the two may"
	for name, c := range map[string]struct {
		change      func(*server)
		class       sinks.Class
		check, push string
	}{
		"a period in which Vault rotates": {
			func(s *server) { s.root["rotation_period"] = 86400 }, sinks.Refused,
			"vault-aws-root: check aws/config/root: " + itself, "vault-aws-root: write aws/config/root: " + itself,
		},
		"a schedule by which Vault rotates, paused": {
			func(s *server) {
				s.root["rotation_schedule"], s.root["disable_automated_rotation"] = "0 0 * * SAT", true
			}, sinks.Refused,
			"vault-aws-root: check aws/config/root: " + itself, "vault-aws-root: write aws/config/root: " + itself,
		},
		"an identity token": {
			func(s *server) { s.root["identity_token_audience"] = "vault.example" }, sinks.Refused,
			"vault-aws-root: check aws/config/root: the engine uses an identity token in place of a key",
			"vault-aws-root: write aws/config/root: the engine uses an identity token in place of a key",
		},
		"a mount of another sort": {
			func(s *server) { s.root, s.kind = nil, "kv" }, sinks.Refused,
			"vault-aws-root: read aws/config/root: aws is not an AWS secrets engine",
			"vault-aws-root: read aws/config/root: aws is not an AWS secrets engine",
		},
		"no right to write": {
			func(s *server) { s.may = []string{"read"} }, sinks.Denied,
			"vault-aws-root: check aws/config/root: the token's policies do not allow update on aws/config/root",
			"vault-aws-root: write aws/config/root: the token is not valid, or its policies do not allow it",
		},
		"no right to write the first one": {
			func(s *server) { s.root, s.may = nil, []string{"read", "update"} }, sinks.Denied,
			"vault-aws-root: check aws/config/root: the token's policies do not allow create on aws/config/root",
			"vault-aws-root: write aws/config/root: the token is not valid, or its policies do not allow it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, c.change)
			_, err := sink.Check(briefly(t))
			if err == nil || err.Error() != c.check || sinks.ClassOf(err) != c.class {
				t.Errorf("check: %v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.check)
			}
			_, err = sink.Push(briefly(t), pair)
			if err == nil || err.Error() != c.push || sinks.ClassOf(err) != c.class {
				t.Errorf("push: %v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.push)
			}
			if s.secret != "" {
				t.Error("it was written")
			}
		})
	}
}

func TestVerifyNamesWhatIsThere(t *testing.T) {
	for want, change := range map[string]func(*server){
		"it holds no key":      func(s *server) { s.root = nil },
		"it holds another key": func(s *server) { s.root["access_key"] = "AKIAOLD" },
	} {
		_, sink := opened(t, change)
		_, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{})
		if err == nil || err.Error() != "vault-aws-root: verify aws/config/root: "+want || sinks.ClassOf(err) != sinks.Stale {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestConfigurationsThatAreWrong(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"address: must be an address that starts with https:// or http://":       func(c *Config) { c.Address = "vault" },
		"token: exactly one of token, approle, kubernetes and jwt must be given": func(c *Config) { c.Token = secret.Ref{} },
		"mount: must be a path without a slash at either end":                    func(c *Config) { c.Mount = "aws/" },
		"namespace: must be a path without a slash at either end":                func(c *Config) { c.Namespace = "a//b" },
	} {
		cfg := Spec.New().(*Config)
		cfg.Address, cfg.Token = "https://vault.invalid", secret.Ref{Env: "X"}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		change(cfg)
		if err := cfg.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestDestinationTellsTwoPlacesApart(t *testing.T) {
	of := func(address, namespace, mount string) string {
		c := Config{Mount: mount}
		c.Address, c.Namespace = address, namespace
		return c.Destination()
	}
	base := of("https://v", "", "aws")
	if of("https://v/", "", "aws") != base {
		t.Error("a slash makes another destination")
	}
	for _, other := range []string{of("https://w", "", "aws"), of("https://v", "n", "aws"), of("https://v", "", "aws2")} {
		if other == base {
			t.Errorf("%s is the same destination", other)
		}
	}
}

func TestTheDocPageNamesEveryKey(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if key := f.Tag.Get("yaml"); !f.Anonymous && !strings.Contains(Spec.Doc, key) {
			t.Errorf("the doc page does not mention %s", key)
		}
	}
}
