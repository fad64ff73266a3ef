package gitlab

import (
	"context"
	"errors"
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

func newConfig(change func(*Config)) *Config {
	cfg := Spec.New().(*Config)
	cfg.Project = "acme/app"
	if change != nil {
		change(cfg)
	}
	return cfg
}

func inGroup(cfg *Config)   { cfg.Project, cfg.Group, cfg.Hidden = "", "acme", true }
func inBundle(cfg *Config)  { cfg.Bundle = "AWS_SHARED_CREDENTIALS_FILE" }
func scoped(cfg *Config)    { cfg.EnvironmentScope = "production" }
func instance(cfg *Config)  { cfg.Project, cfg.Instance = "", true }
func protected(cfg *Config) { cfg.Protected = true }
func hide(cfg *Config)      { cfg.Hidden = true }

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*Config)
		evidence sinks.Evidence
	}{
		"variables of one environment of a project": {scoped, sinks.Exact},
		"hidden variables of a group":               {inGroup, sinks.Stamped},
		"a file of the instance":                    {func(c *Config) { instance(c); inBundle(c) }, sinks.Exact},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, New: func(t sinktest.T) sinktest.Target {
				cfg := newConfig(c.change)
				return newModel(t, cfg).Target(cfg, cfg.Variables, cfg.Bundle, token)
			}})
		})
	}
}

// opened is a sink of a fresh model.
func opened(t *testing.T, change func(*Config)) (*model, sinks.Sink) {
	t.Helper()
	cfg := newConfig(change)
	m := newModel(t, cfg)
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
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

func TestANewVariableHasTheConfiguredFlags(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   flags
	}{
		"by default":            {nil, flags{Scope: "*", Type: "env_var", Masked: true, Raw: true}},
		"hidden, protected":     {func(c *Config) { hide(c); protected(c) }, flags{Scope: "*", Type: "env_var", Masked: true, Hidden: true, Protected: true, Raw: true}},
		"in one environment":    {scoped, flags{Scope: "production", Type: "env_var", Masked: true, Raw: true}},
		"not masked":            {func(c *Config) { c.Masked = false }, flags{Scope: "*", Type: "env_var", Raw: true}},
		"a file is not masked":  {inBundle, flags{Scope: "*", Type: "file", Raw: true}},
		"one of the instance's": {instance, flags{Scope: "*", Type: "env_var", Masked: true, Raw: true}},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, c.change)
			if _, err := sink.Push(t.Context(), pair); err != nil {
				t.Fatal(err)
			}
			for _, n := range newConfig(c.change).written() {
				if got := m.Vars[n].Data; got != c.want {
					t.Errorf("%s: %+v", n, got)
				}
			}
		})
	}
}

func TestAnUpdateKeepsFlagsTextAndOtherScopes(t *testing.T) {
	m, sink := opened(t, scoped)
	odd := flags{Scope: "production", Type: "env_var", Protected: true}
	m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old", Note: "ask Jo", Data: odd})
	m.Put("AWS_SECRET_ACCESS_KEY@*", varstest.Var{Value: "everywhere", Data: flags{Scope: "*"}})
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	v := m.Vars["AWS_SECRET_ACCESS_KEY"]
	if v.Value != "new/+secret" || v.Data != odd || !strings.HasPrefix(v.Note, "ask Jo | keyturn key=0NEW at=2026-11-03T10:00:") {
		t.Errorf("%+v", v)
	}
	if m.Vars["AWS_SECRET_ACCESS_KEY@*"].Version != 1 || m.Vars["AWS_ACCESS_KEY_ID@staging"].Version != 1 {
		t.Errorf("%+v", m.Vars)
	}
}

func TestAPairThatIsThereIsNotWrittenAgain(t *testing.T) {
	m, sink := opened(t, nil)
	for range 2 {
		if _, err := sink.Push(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
	}
	if n := m.Made("POST"); n != 2 || m.Made("PUT") != 0 {
		t.Errorf("%d, %d", n, m.Made("PUT"))
	}
}

// Somebody else removes, or creates, the variable between our look and our write.
func TestAChangeInBetweenIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		there bool
		when  string // the request before which it changes
	}{
		"a variable is removed": {true, http.MethodPut},
		"a variable is created": {false, http.MethodPost},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, nil)
			if c.there {
				m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old"})
			}
			m.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == c.when {
					m.Before = nil
					if c.there {
						m.Remove("AWS_SECRET_ACCESS_KEY")
					} else {
						m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "theirs"})
					}
				}
				return false
			}
			r, err := sink.Push(t.Context(), pair)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil {
				t.Errorf("%v, %v", e, err)
			}
		})
	}
}

func TestAVariableThatSomebodyHidIsStampedAndNotRead(t *testing.T) {
	m, sink := opened(t, nil)
	dark := flags{Scope: "*", Type: "env_var", Masked: true, Hidden: true}
	m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old-secret", Data: dark})
	m.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "AKIAOLD0000000000OLD", Data: dark})
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := sink.Verify(t.Context(), pair, "AKIAOLD0000000000OLD", r); e != sinks.Stamped || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	if _, err := sink.(sinks.Reader).Serving(t.Context()); !errors.Is(err, sinks.ErrBlind) {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	taken := func(f flags) func(*model) {
		return func(m *model) { m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old-secret", Data: f}) }
	}
	answer := func(status int, body string) func(*model) {
		return func(m *model) {
			m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == http.MethodGet {
					return false
				}
				refuse(w, status, body)
				return true
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		model  func(*model)
		want   string
		class  sinks.Class
	}{
		"a file where a value is wanted": {nil, taken(flags{Scope: "*", Type: "file"}),
			"gitlab: look at AWS_SECRET_ACCESS_KEY: it is of type file: change that in GitLab", sinks.Refused},
		"a value where a file is wanted": {inBundle, func(m *model) {
			m.Put("AWS_SHARED_CREDENTIALS_FILE", varstest.Var{Value: "[default]\n", Data: flags{Scope: "*", Type: "env_var"}})
		}, "gitlab: look at AWS_SHARED_CREDENTIALS_FILE: it is not of type file: change that in GitLab", sinks.Refused},
		"a file with other profiles": {inBundle, func(m *model) {
			m.Put("AWS_SHARED_CREDENTIALS_FILE", varstest.Var{Value: "[default]\n[other]\n"})
		}, "gitlab: look at AWS_SHARED_CREDENTIALS_FILE: it holds more than a default profile, which a push would overwrite", sinks.Refused},
		"a value that cannot be masked": {nil, answer(400, `{"message":{"value":["is invalid"]},"was":"new/+secret"}`),
			"gitlab: write AWS_SECRET_ACCESS_KEY: GitLab does not take the value for a variable with these flags (400)", sinks.Refused},
		"a role that may not write": {nil, answer(403, `{"message":"403 Forbidden"}`),
			"gitlab: write AWS_SECRET_ACCESS_KEY: the token needs the scope api, and the role of a Maintainer (project), Owner (group) or administrator (instance) (403)", sinks.Denied},
		"a project that went away": {nil, answer(404, `{"message":"404 Project Not Found"}`),
			"gitlab: write AWS_SECRET_ACCESS_KEY: it does not exist, or the token may not see it (404)", sinks.Missing},
		"a request that it does not like": {nil, answer(400, `{"error":"new/+secret"}`),
			"gitlab: write AWS_SECRET_ACCESS_KEY: 400 Bad Request", sinks.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, c.change)
			c.model(m)
			_, err := sink.Push(within(t), pair)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v (%v)", err, sinks.ClassOf(err))
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		model  func(*model)
		want   string
		class  sinks.Class
	}{
		"a token that may only read": {nil, func(m *model) { m.tokenInfo = `{"scopes":["read_api"]}` },
			"gitlab: look up the token: it has not the scope api", sinks.Denied},
		"hidden variables in an old GitLab": {hide, func(m *model) { m.version = "17.3.7" },
			"gitlab: look up the version: hidden variables need GitLab 17.4, this is 17.3", sinks.Refused},
		"a GitLab without a version": {hide, func(m *model) { m.version = "pre" },
			"gitlab: look up the version: the answer holds no version", sinks.Unclassified},
		"a variable of the wrong type": {nil, func(m *model) {
			m.Put("AWS_ACCESS_KEY_ID", varstest.Var{Data: flags{Scope: "*", Type: "file"}})
		}, "gitlab: look at AWS_ACCESS_KEY_ID: it is of type file: change that in GitLab", sinks.Refused},
		"a project that is not there": {func(c *Config) { c.Project = "acme/other" }, func(m *model) { m.path = "/projects/1/variables" },
			"gitlab: list the variables of project acme/other: it does not exist, or the token may not see it (404)", sinks.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, c.change)
			c.model(m)
			_, err := sink.Check(within(t))
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v (%v)", err, sinks.ClassOf(err))
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	plain := flags{Scope: "*", Type: "env_var"}
	for name, c := range map[string]struct {
		change func(*Config)
		model  func(*model)
		want   []sinks.Warning
	}{
		"nothing but another environment's key id": {nil, func(*model) {}, []sinks.Warning{
			"gitlab: AWS_ACCESS_KEY_ID has a value of its own in the environment scope staging: what is written here is not what is read there"}},
		"an environment that another one does not concern": {scoped, func(*model) {}, nil},
		"a wildcard that covers another": {func(c *Config) { c.EnvironmentScope = "review/*" }, func(m *model) {
			m.Put("AWS_SECRET_ACCESS_KEY@review/eu/1", varstest.Var{Data: flags{Scope: "review/eu/1"}})
			m.Put("AWS_ACCESS_KEY_ID@review/eu/1", varstest.Var{Data: flags{Scope: "review/eu/1"}})
		}, []sinks.Warning{
			"gitlab: AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID have values of their own in the environment scope review/eu/1: what is written here is not what is read there"}},
		"a session token for all environments": {scoped, func(m *model) {
			m.Put("AWS_SESSION_TOKEN@*", varstest.Var{Data: plain})
		}, []sinks.Warning{
			"gitlab: AWS_SESSION_TOKEN of the environment scope * lies beside the pair and makes it useless: a push does not remove it"}},
		"flags that differ": {func(c *Config) { scoped(c); protected(c) }, func(m *model) {
			m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Data: flags{Scope: "production", Type: "env_var", Masked: true, Hidden: true, Protected: true}})
			m.Put("AWS_ACCESS_KEY_ID", varstest.Var{Data: flags{Scope: "production", Type: "env_var"}})
		}, []sinks.Warning{
			"gitlab: AWS_SECRET_ACCESS_KEY is hidden, other than configured: a push does not change that",
			"gitlab: AWS_ACCESS_KEY_ID is not masked, other than configured: a push does not change that",
			"gitlab: AWS_ACCESS_KEY_ID is not protected, other than configured: a push does not change that"}},
		"a token that ends soon": {scoped, func(m *model) { m.tokenInfo = `{"scopes":["api"],"expires_at":"2026-11-10"}` },
			[]sinks.Warning{"gitlab: the token runs out in 6 days"}},
		"a token without an end": {scoped, func(m *model) { m.tokenInfo = `{"scopes":["api"],"expires_at":null}` }, nil},
		"a fine-grained token":   {scoped, func(m *model) { m.tokenInfo = `{"scopes":["granular"],"expires_at":null}` }, nil},
		"a token that cannot be looked up": {scoped, func(m *model) { m.tokenInfo = "" }, []sinks.Warning{
			"gitlab: the token cannot be looked up: whether it may write, and when it runs out, is not known"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, sink := opened(t, c.change)
			c.model(m)
			got, err := sink.Check(t.Context())
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestCanary(t *testing.T) {
	cfg := newConfig(nil)
	m := newModel(t, cfg)
	env := sinks.Env{Canary: &sinks.CanaryConfig{Workflow: "acme/canary", Ref: "main"}}
	sink, err := Spec.Open(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	run, err := sink.(sinks.Canary).StartCanary(t.Context(), pair)
	if err != nil || run != "71" {
		t.Fatalf("%q, %v", run, err)
	}
	if want := `{"ref":"main","variables":[{"key":"KEYTURN_KEY_ID","value":"AKIANEW0000000000NEW"}]}`; m.started[0] != want {
		t.Errorf("started with %s", m.started[0])
	}
	// Another sink asks, as after a restart.
	if sink, err = Spec.Open(t.Context(), cfg, env); err != nil {
		t.Fatal(err)
	}
	for status, want := range map[string]struct {
		done bool
		err  string
	}{
		"created": {}, "pending": {}, "running": {}, "manual": {}, "canceling": {},
		"success":  {done: true},
		"failed":   {true, "gitlab: look at pipeline 71: it ended as failed"},
		"canceled": {true, "gitlab: look at pipeline 71: it ended as canceled"},
		"skipped":  {true, "gitlab: look at pipeline 71: it ended as skipped"},
	} {
		m.Change(func() { m.pipelines["71"] = status })
		done, err := sink.(sinks.Canary).CanaryResult(t.Context(), run)
		if done != want.done || want.err == "" && err != nil || want.err != "" && (err == nil || err.Error() != want.err || sinks.ClassOf(err) != sinks.Refused) {
			t.Errorf("%s: %v, %v", status, done, err)
		}
	}
}

func TestBestEvidence(t *testing.T) {
	canary := &sinks.CanaryConfig{Ref: "main"}
	for name, c := range map[string]struct {
		change func(*Config)
		canary *sinks.CanaryConfig
		want   sinks.Evidence
	}{
		"values that are read back":          {nil, nil, sinks.Exact},
		"hidden values":                      {hide, nil, sinks.Stamped},
		"a canary in the project of its own": {hide, canary, sinks.Proven},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(c.change)
			newModel(t, cfg)
			sink, err := Spec.Open(t.Context(), cfg, sinks.Env{Canary: c.canary})
			if err != nil || sink.(sinks.Limited).Best() != c.want {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestACanaryThatCannotStart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		canary *sinks.CanaryConfig
		want   string
	}{
		"no project":                     {inGroup, &sinks.CanaryConfig{Ref: "main"}, "gitlab: canary.workflow: must be the path of a project"},
		"no branch":                      {nil, &sinks.CanaryConfig{}, "gitlab: canary.ref: must not be empty"},
		"a branch that is not there":     {nil, &sinks.CanaryConfig{Workflow: "acme/canary", Ref: "gone"}, "gitlab: start a pipeline: no pipeline for this ref, no job in it, or the project does not let the token's role set pipeline variables (400)"},
		"a project that is not there":    {nil, &sinks.CanaryConfig{Workflow: "acme/gone", Ref: "main"}, "gitlab: start a pipeline: the project does not exist, or the token may not see it (404)"},
		"no canary in the configuration": {nil, nil, "gitlab: start a pipeline: no canary is configured"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(c.change)
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
		"a project":                  {nil, ""},
		"a group":                    {inGroup, ""},
		"an instance":                {instance, ""},
		"no place":                   {func(c *Config) { c.Project = "" }, "project: exactly one of project, group and instance must be given"},
		"two places":                 {func(c *Config) { c.Group = "acme" }, "project: exactly one of project, group and instance must be given"},
		"a project with a slash":     {func(c *Config) { c.Project = "/acme/app" }, "project: must be a path without a slash at either end"},
		"a group with a slash":       {func(c *Config) { c.Project, c.Group = "", "acme/" }, "group: must be a path without a slash at either end"},
		"no token":                   {func(c *Config) { c.Token = secret.Ref{} }, "token: must not be empty"},
		"no scope":                   {func(c *Config) { c.EnvironmentScope = "" }, `environment_scope: must not be empty; "*" is all environments`},
		"a scope of an instance":     {func(c *Config) { instance(c); scoped(c) }, "environment_scope: variables of an instance have none"},
		"an address without the API": {func(c *Config) { c.URL = "https://gitlab.example.com" }, "url: must end in /api/v4"},
		"no address":                 {func(c *Config) { c.URL = "gitlab" }, "url: must be an address that starts with https:// or http://"},
		"a name that is not legal":   {func(c *Config) { c.Bundle = "A-B" }, "bundle: must have only letters, digits and _, and not start with a digit"},
		"a name that is too long":    {func(c *Config) { c.Bundle = strings.Repeat("A", 256) }, "bundle: is too long"},
		"a hidden bundle":            {func(c *Config) { hide(c); inBundle(c) }, "hidden: a bundle has several lines, which GitLab cannot mask or hide"},
		"hidden in an instance":      {func(c *Config) { instance(c); hide(c) }, "hidden: variables of an instance cannot be hidden"},
		"hidden and not masked":      {func(c *Config) { hide(c); c.Masked = false }, "masked: a hidden variable is masked too"},
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
		`gitlab https://gitlab.com/api/v4 project acme/app scope "production" variables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`: scoped,
		`gitlab https://gitlab.com/api/v4 group acme scope "*" variables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`:                inGroup,
		`gitlab https://gitlab.com/api/v4 instance scope "*" file "AWS_SHARED_CREDENTIALS_FILE"`:                                     func(c *Config) { instance(c); inBundle(c) },
	} {
		if got := newConfig(change).Destination(); got != want {
			t.Errorf("%s", got)
		}
	}
}
