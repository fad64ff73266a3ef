package azuredevops

import (
	"context"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		evidence sinks.Evidence
		target   func(t sinktest.T) sinktest.Target
	}{
		"a variable group": {sinks.Partial, func(t sinktest.T) sinktest.Target {
			s := newServer(t, newGroup())
			return s.groupTarget(newConfig(t, s), false)
		}},
		"a service connection": {sinks.Partial, func(t sinktest.T) sinktest.Target {
			s := newServer(t, newConnection())
			cfg := forConnection(newConfig(t, s))
			cfg.Scheme = "bearer"
			return s.connectionTarget(cfg)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, New: c.target})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

func opened(t *testing.T, stored record, change func(*Config)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t, stored)
	cfg := newConfig(t, s)
	if change != nil {
		change(cfg)
	}
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
	if err != nil {
		t.Fatal(err)
	}
	return s, sink
}

// within is the time of a call that may retry until its end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAVariableKeepsItsNameAndFlags(t *testing.T) {
	stored := newGroup()
	stored["variables"].(record)["Aws_Access_Key_Id"] = record{"value": "AKIAOLD", "isSecret": true, "isReadOnly": true}
	s, sink := opened(t, stored, nil)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	got := variables(s.look())
	want := record{"value": "AKIANEW", "isSecret": true, "isReadOnly": true}
	if !reflect.DeepEqual(got["Aws_Access_Key_Id"], want) || len(got) != 5 {
		t.Errorf("%v", got)
	}
	if !reflect.DeepEqual(got["AWS_SECRET_ACCESS_KEY"], record{"value": "new/+secret", "isSecret": true}) {
		t.Errorf("%v", got)
	}
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Stamped || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	if _, err := sink.(sinks.Reader).Serving(t.Context()); !errors.Is(err, sinks.ErrBlind) {
		t.Error(err)
	}
	s.edit(func(o record) { o["description"] = "other" })
	_, err = sink.Verify(t.Context(), pair, "", r)
	if sinks.ClassOf(err) != sinks.Stale || err.Error() != "azure-devops: verify variable group 12 of acme co/web: it was changed since it was written" {
		t.Error(err)
	}
}

func TestAChangeOfAnotherVariableDoesNotMatter(t *testing.T) {
	s, sink := opened(t, newGroup(), nil)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s.edit(func(o record) { o["variables"].(record)["AWS_REGION"] = record{"value": "us-east-1"} })
	if e, err := sink.Verify(t.Context(), pair, "AKIAOLD", r); e != sinks.Partial || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

// Two sinks of one group, with other names each: neither loses what the other writes.
func TestPushesToOneGroupWaitForEachOther(t *testing.T) {
	s := newServer(t, newGroup())
	env := sinks.Env{Serials: &sinks.Serials{}}
	done := make(chan error, 4)
	for _, prefix := range []string{"A", "B", "C", "D"} {
		cfg := newConfig(t, s)
		cfg.Variables = sinks.Variables{AccessKeyID: prefix + "_ID", SecretAccessKey: prefix + "_KEY", SessionToken: prefix + "_TOKEN"}
		sink, err := Spec.Open(t.Context(), cfg, env)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := sink.Push(t.Context(), pair)
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if all := variables(s.look()); len(all) != 3+8 {
		t.Errorf("%d variables: %v", len(all), all)
	}
}

func TestATokenThatWasRenewedIsReadAgain(t *testing.T) {
	var path string
	s, sink := opened(t, newGroup(), func(c *Config) { path = c.Token.File })
	if _, err := sink.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Change(func() { s.accepts = "the-next-token" })
	_, err := sink.Check(t.Context())
	if sinks.ClassOf(err) != sinks.Denied || err.Error() != "azure-devops: read variable group 12 of acme co/web: the token is not valid" {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("the-next-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCheckWarns(t *testing.T) {
	stored := newGroup()
	stored["variables"].(record)["aws_session_token"] = record{"value": "x", "isSecret": true}
	stored["variables"].(record)["AWS_SECRET_ACCESS_KEY"] = record{"value": "x"}
	_, sink := opened(t, stored, nil)
	got, err := sink.Check(t.Context())
	want := []sinks.Warning{
		"azure-devops: aws_session_token lies beside the pair and makes it useless: a push removes it",
		"azure-devops: AWS_SECRET_ACCESS_KEY is no secret variable: a push makes it one",
		"azure-devops: the group holds other secret variables (1): that a push keeps them is inferred from Microsoft's own command, not documented",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	connection := func(f func(record)) record {
		o := newConnection()
		f(o)
		return o
	}
	group := func(f func(record)) record {
		o := newGroup()
		f(o)
		return o
	}
	const inGroup, inConnection = "variable group 12 of acme co/web: ", "service connection " + id + " of acme co/web: "
	for name, c := range map[string]struct {
		stored record
		cfg    func(*Config)
		model  func(*server)
		class  sinks.Class
		want   string
	}{
		"a group that is linked to a vault": {
			group(func(o record) { o["type"] = "AzureKeyVault" }), nil, nil,
			sinks.Refused, "azure-devops: check " + inGroup + "it is linked to a vault: write to that",
		},
		"a group without projects": {
			group(func(o record) { delete(o, "variableGroupProjectReferences") }), nil, nil,
			sinks.Refused, "azure-devops: check " + inGroup + "the answer does not say in which projects it is: a push could take it away from them",
		},
		"an identity that may only read": {
			newGroup(), nil, func(s *server) { s.unmanaged = true },
			sinks.Denied, "azure-devops: check " + inGroup + "the token's identity may read it and not manage it",
		},
		"another group": {
			newGroup(), func(c *Config) { c.VariableGroup = 13 }, nil,
			sinks.Missing, "azure-devops: read variable group 13 of acme co/web: it does not exist, or the token may not see it",
		},
		"a connection of another type": {
			connection(func(o record) { o["type"] = "azurerm" }), func(c *Config) { forConnection(c) }, nil,
			sinks.Refused, "azure-devops: check " + inConnection + "it is not of type aws",
		},
		"a connection by OIDC": {
			connection(func(o record) { parameters(o)["useOIDC"] = "True" }), func(c *Config) { forConnection(c) }, nil,
			sinks.Refused, "azure-devops: check " + inConnection + "it uses OIDC and holds no key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, c.stored, c.cfg)
			if c.model != nil {
				c.model(s)
			}
			_, err := sink.Check(within(t))
			if err == nil || sinks.ClassOf(err) != c.class || err.Error() != c.want {
				t.Errorf("%v: %v\nwant %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":       {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"no token":         {func(c *Config) { c.Token.File = "" }, "token: must not be empty"},
		"another scheme":   {func(c *Config) { c.Scheme = "basic" }, "scheme: must be pat or bearer"},
		"no organization":  {func(c *Config) { c.Organization = " " }, "organization: must be a name without slashes"},
		"a path":           {func(c *Config) { c.Project = "a/b" }, "project: must be a name without slashes"},
		"neither":          {func(c *Config) { c.VariableGroup = 0 }, "variable_group: exactly one of variable_group and service_connection must be given"},
		"both":             {func(c *Config) { c.ServiceConnection = id }, "variable_group: exactly one of variable_group and service_connection must be given"},
		"a negative group": {func(c *Config) { c.VariableGroup = -1 }, "variable_group: must be the number of a group"},
		"a name, no id": {
			func(c *Config) { c.VariableGroup, c.ServiceConnection = 0, "aws" },
			"service_connection: must be the id of a connection: 8-4-4-4-12 hexadecimal digits",
		},
		"a reserved name": {
			func(c *Config) { c.Variables.AccessKeyID = "Agent.Key" },
			"variables.access_key_id: must not start with agent.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, newServer(t, newGroup()))
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			c.change(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
