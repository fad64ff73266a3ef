package github

import (
	"strings"
	"testing"

	"keyturn/sinks"
)

var canary = &sinks.CanaryConfig{Workflow: "canary.yml", Ref: "main"}

func TestACanaryIsStartedAndWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		by     string
		change func(*Config)
		config sinks.CanaryConfig
		url    string // what the kind takes the model for
		form   string
	}{
		"GitHub tells the run": {ofGitHub, func(*Config) {}, *canary, github, byNumber + "500"},
		"a server does not":    {ofServer, func(*Config) {}, *canary, "", byNonce},
		"of an organization":   {ofGitHub, func(c *Config) { c.Repository, c.Organization = "", "acme" }, sinks.CanaryConfig{Workflow: "app/canary.yml", Ref: "main"}, github, byNumber + "500"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, t, c.by)
			cfg := m.as(t, c.change)
			env := sinks.Env{Canary: &c.config}
			s := m.open(t, cfg, env).(*sink)
			if c.url != "" {
				s.store.cfg.URL = c.url
			}
			run, err := s.StartCanary(t.Context(), pair)
			if err != nil || !strings.HasPrefix(run, c.form) || m.inputs["access_key_id"] != "AKIANEW" || m.inputs["nonce"] == "" {
				t.Fatalf("%q, %v, %v", run, err, m.inputs)
			}
			if done, err := s.CanaryResult(t.Context(), run); done || err != nil {
				t.Errorf("queued: %v, %v", done, err)
			}
			again := m.open(t, cfg, env).(*sink) // a restart
			m.finish("success")
			if done, err := again.CanaryResult(t.Context(), run); !done || err != nil {
				t.Errorf("success: %v, %v", done, err)
			}
			m.finish("failure")
			done, err := again.CanaryResult(t.Context(), run)
			if want := "github: look at the canary: run 500 of " + c.config.Workflow + " did not succeed"; !done || err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
				t.Errorf("failure: %v, %v", done, err)
			}
			if again.Best() != sinks.Proven {
				t.Errorf("best evidence %v", again.Best())
			}
		})
	}
}

func TestARunThatIsNotSeenYetIsNotDone(t *testing.T) {
	m := newModel(t, t, ofServer)
	s := m.open(t, m.as(t, nil), sinks.Env{Canary: canary}).(*sink)
	if done, err := s.CanaryResult(t.Context(), byNonce+"ABC"); done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	for _, run := range []string{"", "500", byNonce} {
		_, err := s.CanaryResult(t.Context(), run)
		if err == nil || err.Error() != "github: look at the canary: the journalled run is not one of this kind" {
			t.Errorf("%q: %v", run, err)
		}
	}
}

func TestACanaryThatCannotBeStarted(t *testing.T) {
	m := newModel(t, t, ofGitHub)
	for name, c := range map[string]struct {
		canary *sinks.CanaryConfig
		class  sinks.Class
		want   string
	}{
		"no canary":                    {nil, sinks.Refused, "github: start the canary: no canary is configured"},
		"a branch that is not there":   {&sinks.CanaryConfig{Workflow: "canary.yml", Ref: "gone"}, sinks.Refused, "github: start the canary: the workflow takes no dispatch on gone with the inputs key_id and nonce"},
		"a workflow that is not there": {&sinks.CanaryConfig{Workflow: "no.yml", Ref: "main"}, sinks.Missing, "github: start the canary: 404 Not Found: it does not exist, or the token may not see it"},
	} {
		t.Run(name, func(t *testing.T) {
			s := m.open(t, m.as(t, nil), sinks.Env{Canary: c.canary}).(*sink)
			_, err := s.StartCanary(t.Context(), pair)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestACanaryIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		canary sinks.CanaryConfig
		change func(*Config)
		want   string
	}{
		"nothing":              {sinks.CanaryConfig{}, func(*Config) {}, "github: canary.workflow: must be the name of a workflow's file; REPOSITORY/FILE for an organization\ncanary.ref: must not be empty"},
		"a path":               {sinks.CanaryConfig{Workflow: ".github/workflows/canary.yml", Ref: "main"}, func(*Config) {}, "github: canary.workflow: must be the name of a workflow's file; REPOSITORY/FILE for an organization"},
		"no repository":        {*canary, func(c *Config) { c.Repository, c.Organization = "", "acme" }, "github: canary.workflow: must be the name of a workflow's file; REPOSITORY/FILE for an organization"},
		"nothing that runs it": {*canary, func(c *Config) { c.Store = dependabot }, "github: canary: needs store: actions"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.Repository = "acme/app"
			c.change(cfg)
			if _, err := Spec.Open(t.Context(), cfg, sinks.Env{Canary: &c.canary}); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
