package buildkite

import (
	"context"
	"net/http"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

func newConfig(change func(*Config)) *Config {
	cfg := Spec.New().(*Config)
	cfg.Organization, cfg.Cluster = "acme", clusterID
	if change != nil {
		change(cfg)
	}
	return cfg
}

func inBundle(c *Config) { c.Bundle = "AWS_CREDENTIALS" }

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*Config){"two secrets": nil, "a bundle": inBundle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: sinks.Stamped, New: func(t sinktest.T) sinktest.Target {
				cfg := newConfig(change)
				return newModel(t, cfg).Target(cfg, cfg.Variables, cfg.Bundle, token)
			}})
		})
	}
}

// opened is a sink of a fresh model.
func opened(t *testing.T, change func(*Config), canary *sinks.CanaryConfig) (*model, sinks.Sink) {
	t.Helper()
	cfg := newConfig(change)
	m := newModel(t, cfg)
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test", Canary: canary})
	if err != nil {
		t.Fatal(err)
	}
	return m, sink
}

var pair = sinks.Credential{KeyID: "AKIANEW0000000000NEW", Secret: secret.FromString("new/+secret")}

// within is the time of a call that may retry until its end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestThePolicyIsForNewSecretsOnly(t *testing.T) {
	m, sink := opened(t, func(c *Config) { c.Policy = "- pipeline_slug: deploy" }, nil)
	m.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "old", Note: "ask Jo", Data: "- build_branch: main"})
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if v := m.Vars["AWS_SECRET_ACCESS_KEY"]; v.Data != "- pipeline_slug: deploy" || v.Value != "new/+secret" {
		t.Errorf("%+v", v)
	}
	if v := m.Vars["AWS_ACCESS_KEY_ID"]; v.Data != "- build_branch: main" || v.Note != "ask Jo" || v.Value != string(pair.KeyID) {
		t.Errorf("%+v", v)
	}
}

func TestAnUpdateByAnybodyIsSeen(t *testing.T) {
	m, sink := opened(t, nil, nil)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	m.Change(func() { m.Put("AWS_SECRET_ACCESS_KEY", m.Vars["AWS_SECRET_ACCESS_KEY"]) })
	_, err = sink.Verify(t.Context(), pair, "", r)
	if err == nil || err.Error() != "buildkite: verify: AWS_SECRET_ACCESS_KEY was changed since it was written" || sinks.ClassOf(err) != sinks.Stale {
		t.Errorf("%v", err)
	}
}

// Somebody else removes, or creates, the secret between our look and our write.
func TestAChangeInBetweenIsSeen(t *testing.T) {
	for name, there := range map[string]bool{"a secret is removed": true, "a secret is created": false} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, nil, nil)
			if there {
				m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old"})
			}
			m.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
				switch {
				case r.Method == http.MethodGet:
					return false
				case there:
					m.Remove("AWS_SECRET_ACCESS_KEY")
				default:
					m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "theirs"})
				}
				m.Before = nil
				return false
			}
			if _, err := sink.Push(t.Context(), pair); err != nil || m.Vars["AWS_SECRET_ACCESS_KEY"].Value != "new/+secret" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
		class  sinks.Class
	}{
		"a value that is too large": {422, `{"message":"Value is too long","was":"new/+secret"}`,
			"buildkite: write AWS_SECRET_ACCESS_KEY: Buildkite does not take the name, the value or the policy (422)", sinks.Refused},
		"a token that may not": {403, `{}`,
			"buildkite: write AWS_SECRET_ACCESS_KEY: the token needs the scopes read_secret_details and write_secrets, and its user to be a maintainer of the cluster (403)", sinks.Denied},
		"a cluster that went away": {404, `{}`,
			"buildkite: write AWS_SECRET_ACCESS_KEY: it does not exist, or the token may not see it (404)", sinks.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, nil, nil)
			m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == http.MethodGet {
					return false
				}
				refuse(w, c.status, c.body)
				return true
			}
			_, err := sink.Push(within(t), pair)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v (%v)", err, sinks.ClassOf(err))
			}
		})
	}
}

func TestCheck(t *testing.T) {
	canary := &sinks.CanaryConfig{Workflow: "canary", Ref: "main"}
	for name, c := range map[string]struct {
		change func(*Config)
		canary *sinks.CanaryConfig
		scopes []string
		want   string
	}{
		"a token that may all": {nil, canary, []string{"read_secret_details", "write_secrets", "read_builds", "write_builds"}, ""},
		"no canary, no builds": {nil, nil, []string{"read_secret_details", "write_secrets"}, ""},
		"a reader":             {nil, nil, []string{"read_secret_details"}, "buildkite: look up the token: it has not the scope write_secrets"},
		"a canary, no builds":  {nil, canary, []string{"read_secret_details", "write_secrets"}, "buildkite: look up the token: it has not the scope read_builds, write_builds"},
		"no such cluster":      {func(c *Config) { c.Cluster = "other" }, nil, nil, "buildkite: list the secrets of cluster other: it does not exist, or the token may not see it (404)"},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, c.change, c.canary)
			m.scopes = c.scopes
			w, err := sink.Check(t.Context())
			if len(w) > 0 || c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("%q, %v", w, err)
			}
		})
	}
}

func TestCanary(t *testing.T) {
	m, sink := opened(t, nil, &sinks.CanaryConfig{Workflow: "canary", Ref: "main"})
	run, err := sink.(sinks.Canary).StartCanary(t.Context(), pair)
	if err != nil || run != "12" {
		t.Fatalf("%q, %v", run, err)
	}
	want := `{"branch":"main","commit":"HEAD","env":{"KEYTURN_KEY_ID":"AKIANEW0000000000NEW"},"message":"keyturn: does the new key work here?"}`
	if m.started[0] != want || sink.(sinks.Limited).Best() != sinks.Proven {
		t.Errorf("started with %s", m.started[0])
	}
	for state, c := range map[string]struct {
		done bool
		err  string
	}{
		"creating": {}, "scheduled": {}, "running": {}, "failing": {}, "canceling": {}, "blocked": {},
		"passed":   {true, ""},
		"failed":   {true, "buildkite: look at build 12: it ended as failed"},
		"canceled": {true, "buildkite: look at build 12: it ended as canceled"},
		"skipped":  {true, "buildkite: look at build 12: it ended as skipped"},
		"not_run":  {true, "buildkite: look at build 12: it ended as not_run"},
	} {
		m.Change(func() { m.state = state })
		done, err := sink.(sinks.Canary).CanaryResult(t.Context(), run)
		if done != c.done || c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err || sinks.ClassOf(err) != sinks.Refused) {
			t.Errorf("%s: %v, %v", state, done, err)
		}
	}
}

func TestACanaryThatCannotStart(t *testing.T) {
	for name, c := range map[string]struct {
		canary *sinks.CanaryConfig
		want   string
	}{
		"no pipeline":                  {&sinks.CanaryConfig{Ref: "main"}, "buildkite: canary.workflow: must be the slug of a pipeline"},
		"no branch":                    {&sinks.CanaryConfig{Workflow: "canary"}, "buildkite: canary.ref: must not be empty"},
		"a branch that is not built":   {&sinks.CanaryConfig{Workflow: "canary", Ref: "gone"}, "buildkite: start a build: the pipeline takes no build of this branch (422)"},
		"a pipeline that is not there": {&sinks.CanaryConfig{Workflow: "gone", Ref: "main"}, "buildkite: start a build: the pipeline does not exist, or the token may not see it (404)"},
		"no canary":                    {nil, "buildkite: start a build: no canary is configured"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(nil)
			newModel(t, cfg)
			sink, err := Spec.Open(t.Context(), cfg, sinks.Env{Canary: c.canary})
			if err == nil {
				_, err = sink.(sinks.Canary).StartCanary(t.Context(), pair)
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a cluster":                {nil, ""},
		"a bundle":                 {inBundle, ""},
		"no organization":          {func(c *Config) { c.Organization = "" }, "organization: must be the slug of an organization, as in its address"},
		"a cluster that is a path": {func(c *Config) { c.Cluster = "a/b" }, "cluster: must be the id of a cluster, as in its address"},
		"no token":                 {func(c *Config) { c.Token = secret.Ref{} }, "token: must not be empty"},
		"no address":               {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"a name of Buildkite's":    {func(c *Config) { c.Bundle = "BUILDKITE_AWS" }, "bundle: must not start with buildkite"},
		"another name of its":      {func(c *Config) { c.Bundle = "bk_aws" }, "bundle: must not start with bk"},
		"a name with a line first": {func(c *Config) { c.Bundle = "_AWS" }, "bundle: must have only letters, digits and _, and start with a letter"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(func(c *Config) { c.Token = secret.Ref{Env: "T"} })
			if c.change != nil {
				c.change(cfg)
			}
			err := cfg.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	for want, change := range map[string]func(*Config){
		`buildkite https://api.buildkite.com/v2 organization acme cluster ` + clusterID + ` secrets "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`: nil,
		`buildkite https://api.buildkite.com/v2 organization acme cluster ` + clusterID + ` secret "AWS_CREDENTIALS"`:                            inBundle,
	} {
		if got := newConfig(change).Destination(); got != want {
			t.Errorf("%s", got)
		}
	}
}
