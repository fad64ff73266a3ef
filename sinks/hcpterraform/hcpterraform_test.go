package hcpterraform

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		evidence sinks.Evidence
		change   func(*server, *Config)
	}{
		"a workspace by its name":  {sinks.Stamped, func(*server, *Config) {}},
		"versions that never move": {sinks.Stamped, func(s *server, c *Config) { s.still = true; c.Organization, c.Workspace = "", workspace }},
		"a set with a key id that is shown": {sinks.Partial, func(s *server, c *Config) {
			s.shown, c.ShowKeyID = true, true
			c.Organization, c.Workspace, c.VariableSet = "", "", set
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t)
				cfg := newConfig(t, s)
				c.change(s, cfg)
				return s.Target(cfg, cfg.Variables, "", token)
			}})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

func opened(t *testing.T, change func(*server, *Config)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t)
	cfg := newConfig(t, s)
	if change != nil {
		change(s, cfg)
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

func TestAVariableKeepsWhatAPersonMadeOfIt(t *testing.T) {
	s, sink := opened(t, func(s *server, _ *Config) {
		s.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "AKIAOLD", Note: "of the web team", Data: flags{Category: "env", Plain: true}})
		s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old", Data: flags{Category: "env", Plain: true}})
	})
	old := s.Vars["AWS_ACCESS_KEY_ID"].ID
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	id, value := s.Vars["AWS_ACCESS_KEY_ID"], s.Vars["AWS_SECRET_ACCESS_KEY"]
	if id.ID != old || !strings.HasPrefix(id.Note, "of the web team | keyturn key=ANEW at=") || !s.flags("AWS_ACCESS_KEY_ID").Plain {
		t.Errorf("%+v", id)
	}
	if s.flags("AWS_SECRET_ACCESS_KEY").Plain {
		t.Errorf("%+v", value)
	}
	if s.Made("DELETE") != 0 || s.Made("POST") != 0 {
		t.Errorf("%q", s.Requests)
	}
}

// Somebody else makes, or removes, the variable between our read and our write.
func TestAChangeInBetweenIsNoFailure(t *testing.T) {
	for name, method := range map[string]string{"made": http.MethodPost, "removed": http.MethodPatch} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, nil)
			if method == http.MethodPatch {
				s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old"})
			}
			done := false
			s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == method && !done {
					done = true
					if method == http.MethodPost {
						s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "other"})
					} else {
						s.Remove("AWS_SECRET_ACCESS_KEY")
					}
				}
				return false
			}
			_, err := sink.Push(t.Context(), pair)
			if err != nil || s.Vars["AWS_SECRET_ACCESS_KEY"].Value != "new/+secret" || s.Vars["AWS_ACCESS_KEY_ID"].Value != "AKIANEW" {
				t.Errorf("%v, %v", err, s.Vars)
			}
		})
	}
}

// A workspace that was replaced by another of the same name is found.
func TestAWorkspaceIsLookedUpAgain(t *testing.T) {
	s, sink := opened(t, nil)
	if _, err := sink.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := true
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if gone && strings.HasSuffix(r.URL.Path, "/vars") {
			gone = false
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}
	_, err := sink.Check(t.Context())
	if sinks.ClassOf(err) != sinks.Missing {
		t.Error(err)
	}
	looks := s.Made("GET /organizations/acme/workspaces/prod")
	if _, err := sink.Check(t.Context()); err != nil || s.Made("GET /organizations/acme/workspaces/prod") != looks+2 {
		t.Errorf("%v, %q", err, s.Requests)
	}
}

func TestCheckWarns(t *testing.T) {
	other := func(key string, value any) map[string]any {
		return map[string]any{"id": "var-other", "attributes": map[string]any{"key": key, "category": "env", "value": value, "sensitive": value == nil}}
	}
	ours := func(s *server) {
		s.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "x"})
		s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "x"})
	}
	for name, c := range map[string]struct {
		change func(*server, *Config)
		want   []sinks.Warning
	}{
		"a set with priority": {
			func(s *server, _ *Config) {
				ours(s)
				s.priority = append(s.priority, other("AWS_ACCESS_KEY_ID", nil))
			},
			[]sinks.Warning{"hcp-terraform: AWS_ACCESS_KEY_ID has a value of its own in a variable set with priority: what is written here is not what is read there"},
		},
		"an ordinary set, whose place ours will take": {
			func(s *server, _ *Config) { s.priority = append(s.priority, other("AWS_ACCESS_KEY_ID", nil)) }, nil,
		},
		"a workspace of the set": {
			func(s *server, c *Config) {
				ours(s)
				c.Organization, c.Workspace, c.VariableSet = "", "", set
				s.priority = append(s.priority, other("AWS_ACCESS_KEY_ID", nil), other("AWS_SECRET_ACCESS_KEY", nil))
			},
			[]sinks.Warning{"hcp-terraform: AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID have values of their own in workspace " + workspace + ": what is written here is not what is read there"},
		},
		"dynamic credentials": {
			func(s *server, _ *Config) { s.priority = append(s.priority, other("TFC_AWS_PROVIDER_AUTH", "true")) },
			[]sinks.Warning{"hcp-terraform: dynamic credentials come before the pair in workspace " + workspace},
		},
		"a workspace that executes locally": {
			func(s *server, _ *Config) { s.local = true },
			[]sinks.Warning{"hcp-terraform: the workspace executes locally: its runs do not read these variables"},
		},
		"a secret in the open, and a token": {
			func(s *server, _ *Config) {
				s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "x", Data: flags{Category: "env", Plain: true}})
				s.Put("AWS_SESSION_TOKEN", varstest.Var{Value: "x"})
			},
			[]sinks.Warning{
				"hcp-terraform: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it",
				"hcp-terraform: AWS_SECRET_ACCESS_KEY is not sensitive: a push makes it so",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			if got, err := sink.Check(t.Context()); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

func TestFailuresAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server, *Config)
		class  sinks.Class
		want   string
	}{
		"a token without rights": {
			func(s *server, _ *Config) { s.forbidden = true },
			sinks.Denied, "hcp-terraform: check workspace acme/prod: the token may not update variables",
		},
		"a set without rights": {
			func(s *server, c *Config) { s.forbidden, c.Workspace, c.VariableSet = true, "", set },
			sinks.Denied, "hcp-terraform: check variable set " + set + ": the token may not update variables",
		},
		"another workspace": {
			func(_ *server, c *Config) { c.Workspace = "test" },
			sinks.Missing, "hcp-terraform: look at workspace acme/test: it does not exist, or the token may not do this",
		},
		"another set": {
			func(_ *server, c *Config) { c.Workspace, c.VariableSet = "", "varset-x" },
			sinks.Missing, "hcp-terraform: list the variables of variable set varset-x: it does not exist, or the token may not do this",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			_, err := sink.Check(within(t))
			if err == nil || sinks.ClassOf(err) != c.class || err.Error() != c.want {
				t.Errorf("%v: %v\nwant %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestAVariableThatIsNotAcceptedIsRefused(t *testing.T) {
	s, sink := opened(t, nil)
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		return r.Method == http.MethodPost
	}
	_, err := sink.Push(within(t), pair)
	const want = "hcp-terraform: write AWS_SECRET_ACCESS_KEY of workspace acme/prod: HCP Terraform does not accept it"
	if sinks.ClassOf(err) != sinks.Refused || err.Error() != want {
		t.Error(err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":      {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"no token":        {func(c *Config) { c.Token.File = "" }, "token: must not be empty"},
		"a bad name":      {func(c *Config) { c.Workspace = "a/b" }, "workspace: must have only letters, digits, - and _"},
		"a bad owner":     {func(c *Config) { c.Organization = "a b" }, "organization: must have only letters, digits, - and _"},
		"neither":         {func(c *Config) { c.Workspace = "" }, "workspace: exactly one of workspace and variable_set must be given"},
		"both":            {func(c *Config) { c.VariableSet = set }, "workspace: exactly one of workspace and variable_set must be given"},
		"a set's name":    {func(c *Config) { c.Workspace, c.VariableSet = "", "aws" }, "variable_set: must be the id of a variable set, which starts with varset-"},
		"no organization": {func(c *Config) { c.Organization = "" }, "organization: must not be empty, unless workspace is an id, which starts with ws-"},
		"a bad variable":  {func(c *Config) { c.Variables.SessionToken = "a-b" }, "variables.session_token: must have only letters, digits and _, and not start with a digit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, newServer(t))
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
