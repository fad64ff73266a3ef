package circleci

import (
	"context"
	"fmt"
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
	cfg.Project = "gh/acme/app"
	if change != nil {
		change(cfg)
	}
	return cfg
}

func byName(c *Config)   { c.Project, c.Context, c.Organization = "", "deploy", "gh/acme" }
func byID(c *Config)     { c.Project, c.Context = "", deployID }
func inBundle(c *Config) { c.Bundle = "AWS_CREDENTIALS" }

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*Config)
		model    func(*model)
		evidence sinks.Evidence
	}{
		"a project":                          {nil, nil, sinks.Partial},
		"a bundle in a project":              {inBundle, nil, sinks.Partial},
		"a context by its name":              {byName, nil, sinks.Partial},
		"a context of a server without ends": {byID, func(m *model) { m.blunt = true }, sinks.Stamped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, New: func(t sinktest.T) sinktest.Target {
				cfg := newConfig(c.change)
				m := newModel(t, cfg)
				if c.model != nil {
					c.model(m)
				}
				return m.Target(cfg, cfg.Variables, cfg.Bundle, token)
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

// A former key id that ends alike makes the end of the id worthless; that of the secret still counts.
func TestEndsThatCoincide(t *testing.T) {
	m, sink := opened(t, nil)
	m.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "AKIAOLD0000000000NEW"})
	m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old"})
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := sink.Verify(t.Context(), pair, "AKIAOLD0000000000NEW", r); e != sinks.Partial || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "theirs"})
	_, err = sink.Verify(t.Context(), pair, "", r)
	if err == nil || err.Error() != "circleci: verify: AWS_SECRET_ACCESS_KEY ends otherwise than what was written" {
		t.Errorf("%v", err)
	}
}

func TestTheContextIsLookedUpOnceAndAgainWhenItIsGone(t *testing.T) {
	m, sink := opened(t, byName)
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	looks := func() (n int) {
		for _, r := range m.Requests {
			if r == "GET /api/v2/context" {
				n++
			}
		}
		return n
	}
	if n := looks(); n != 2 { // its two pages
		t.Errorf("%d look-ups", n)
	}
	m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if strings.HasPrefix(r.URL.Path, "/api/v2/context/") {
			refuse(w, 404)
			return true
		}
		return false
	}
	want := "circleci: list the variables of context deploy of gh/acme: it does not exist, or the token's user may not see it (404)"
	if _, err := sink.Check(within(t)); err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Missing {
		t.Errorf("%v", err)
	}
	m.Before = nil
	if _, err := sink.Check(t.Context()); err != nil || looks() != 4 {
		t.Errorf("%v, %d look-ups", err, looks())
	}
}

func TestTheSameNameInAnotherOrganization(t *testing.T) {
	m, sink := opened(t, func(c *Config) { byName(c); c.Organization = orgID })
	if _, err := sink.Push(t.Context(), pair); err != nil || m.Vars["AWS_ACCESS_KEY_ID"].Value != string(pair.KeyID) {
		t.Error(err)
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a project that is not there": {func(c *Config) { c.Project = "gh/acme/gone" },
			"circleci: list the variables of project gh/acme/gone: it does not exist, or the token's user may not see it (404)"},
		"a context that is not there": {func(c *Config) { byName(c); c.Context = "gone" },
			"circleci: look up context gone of gh/acme: it does not exist, or the token's user may not see it"},
		"an organization that is not there": {func(c *Config) { byName(c); c.Organization = "gh/gone" },
			"circleci: look up context deploy of gh/gone: it does not exist, or the token's user may not see it (404)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			_, err := sink.Check(within(t))
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != sinks.Missing {
				t.Errorf("%v (%v)", err, sinks.ClassOf(err))
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		model  func(*model)
		want   []sinks.Warning
	}{
		"contexts with other variables": {nil, func(*model) {}, nil},
		"a context that wins": {nil, func(m *model) { m.other[otherID] = []string{"A", "B", "AWS_ACCESS_KEY_ID"} }, []sinks.Warning{
			"circleci: AWS_ACCESS_KEY_ID has a value of its own in the context packages: what is written here is not what is read there"}},
		"a context that has what a bundle does not need": {inBundle, func(m *model) { m.other[otherID] = []string{"AWS_ACCESS_KEY_ID"} }, nil},
		"contexts that are not shown": {nil, func(m *model) { m.denied = true }, []sinks.Warning{
			"circleci: the token's user may not list contexts: whether one of them wins over the project is not known"}},
		"very many contexts": {nil, func(m *model) {
			for i := range 60 {
				m.contexts = append(m.contexts, named{fmt.Sprint(i), fmt.Sprint("c", i)})
			}
		}, []sinks.Warning{"circleci: of 63 contexts only 50 were looked into: whether another wins over the project is not known"}},
		"a full context": {byName, func(m *model) {
			for i := range 96 {
				m.Put(fmt.Sprint("V", i), varstest.Var{})
			}
			m.Put("AWS_ACCESS_KEY_ID", varstest.Var{})
		}, []sinks.Warning{"circleci: the context holds 100 variables of at most 100: there is no room for 1 more"}},
		"a full context that has the pair": {byName, func(m *model) {
			for i := range 95 {
				m.Put(fmt.Sprint("V", i), varstest.Var{})
			}
			m.Put("AWS_ACCESS_KEY_ID", varstest.Var{})
			m.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{})
		}, nil},
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
	for name, c := range map[string]struct{ workflow, want string }{
		"a project":               {"gh/acme/canary", `/pipeline {"branch":"main","parameters":{"keyturn_key_id":"AKIANEW0000000000NEW"}}`},
		"a pipeline's definition": {"gh/acme/canary#" + otherID, `/pipeline/run {"checkout":{"branch":"main"},"config":{"branch":"main"},"definition_id":"` + otherID + `","parameters":{"keyturn_key_id":"AKIANEW0000000000NEW"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(byName)
			m := newModel(t, cfg)
			sink, err := Spec.Open(t.Context(), cfg, sinks.Env{Canary: &sinks.CanaryConfig{Workflow: c.workflow, Ref: "main"}})
			if err != nil {
				t.Fatal(err)
			}
			run, err := sink.(sinks.Canary).StartCanary(t.Context(), pair)
			if err != nil || run != orgID || !reflect.DeepEqual(m.started, []string{c.want}) {
				t.Errorf("%q, %v, %q", run, err, m.started)
			}
			if sink.(sinks.Limited).Best() != sinks.Proven {
				t.Error("a canary is configured")
			}
		})
	}
}

func TestCanaryResult(t *testing.T) {
	failed := func(as string) string { return "circleci: look at pipeline " + orgID + ": it ended as " + as }
	for name, c := range map[string]struct {
		state     string
		workflows []string
		done      bool
		err       string
	}{
		"waiting":                              {"pending", nil, false, ""},
		"its configuration does not work":      {"errored", nil, true, failed("errored")},
		"a setup workflow ran, the next comes": {"setup", []string{"success"}, false, ""},
		"created, without workflows yet":       {"created", nil, false, ""},
		"running":                              {"created", []string{"success", "running"}, false, ""},
		"somebody must approve":                {"created", []string{"on_hold"}, false, ""},
		"all well":                             {"created", []string{"success", "success", "success"}, true, ""},
		"one failed":                           {"created", []string{"success", "running", "failed"}, true, failed("failed")},
		"canceled":                             {"created", []string{"canceled"}, true, failed("canceled")},
		"unauthorized":                         {"created", []string{"unauthorized"}, true, failed("unauthorized")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(nil)
			m := newModel(t, cfg)
			m.state, m.workflows = c.state, c.workflows
			sink, err := Spec.Open(t.Context(), cfg, sinks.Env{Canary: &sinks.CanaryConfig{Ref: "main"}})
			if err != nil {
				t.Fatal(err)
			}
			done, err := sink.(sinks.Canary).CanaryResult(t.Context(), orgID)
			if done != c.done || c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err || sinks.ClassOf(err) != sinks.Refused) {
				t.Errorf("%v, %v", done, err)
			}
		})
	}
}

func TestACanaryThatCannotStart(t *testing.T) {
	for name, c := range map[string]struct {
		canary *sinks.CanaryConfig
		want   string
	}{
		"no project":                  {&sinks.CanaryConfig{Ref: "main"}, "circleci: canary.workflow: must be VCS/ORGANIZATION/PROJECT, with #DEFINITION-ID where one is needed"},
		"a definition that is no id":  {&sinks.CanaryConfig{Workflow: "gh/acme/canary#x", Ref: "main"}, "circleci: canary.workflow: must be VCS/ORGANIZATION/PROJECT, with #DEFINITION-ID where one is needed"},
		"no branch":                   {&sinks.CanaryConfig{Workflow: "gh/acme/canary"}, "circleci: canary.ref: must not be empty"},
		"a project that is not there": {&sinks.CanaryConfig{Workflow: "gh/acme/gone", Ref: "main"}, "circleci: start a pipeline: it does not exist, or the token's user may not see it (404)"},
		"no canary":                   {nil, "circleci: start a pipeline: no canary is configured"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(byName)
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

// The parameter is not declared in the configuration of the project.
func TestAPipelineThatDoesNotTakeTheKeyID(t *testing.T) {
	cfg := newConfig(nil)
	m := newModel(t, cfg)
	m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		refuse(w, 400)
		return true
	}
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{Canary: &sinks.CanaryConfig{Ref: "main"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sink.(sinks.Canary).StartCanary(t.Context(), pair)
	want := "circleci: start a pipeline: the project cannot be started so, or its configuration does not declare the parameter keyturn_key_id (400)"
	if err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
		t.Errorf("%v", err)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a project":                        {nil, ""},
		"a project by ids":                 {func(c *Config) { c.Project = "circleci/" + orgID + "/" + otherID }, ""},
		"a context by its name":            {byName, ""},
		"a context by its id":              {byID, ""},
		"an organization by its id":        {func(c *Config) { byName(c); c.Organization = orgID }, ""},
		"no place":                         {func(c *Config) { c.Project = "" }, "project: exactly one of project and context must be given"},
		"two places":                       {func(c *Config) { c.Context = deployID }, "project: exactly one of project and context must be given"},
		"a project without its host":       {func(c *Config) { c.Project = "acme/app" }, "project: must be VCS/ORGANIZATION/PROJECT: gh/acme/app"},
		"a project that climbs":            {func(c *Config) { c.Project = "gh/../app" }, "project: must be VCS/ORGANIZATION/PROJECT: gh/acme/app"},
		"an organization and a project":    {func(c *Config) { c.Organization = "gh/acme" }, "organization: needs a context"},
		"a name without an organization":   {func(c *Config) { c.Project, c.Context = "", "deploy" }, "organization: must be given, because context is a name"},
		"an organization without a host":   {func(c *Config) { byName(c); c.Organization = "acme" }, "organization: must be VCS/ORGANIZATION, or its id: gh/acme"},
		"no token":                         {func(c *Config) { c.Token = secret.Ref{} }, "token: must not be empty"},
		"no address":                       {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"a bundle with a name like a file": {func(c *Config) { c.Bundle = "a.b" }, "bundle: must have only letters, digits and _, and not start with a digit"},
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
		`circleci https://circleci.com/api/v2 project gh/acme/app variable "AWS_CREDENTIALS"`:                                  inBundle,
		`circleci https://circleci.com/api/v2 context deploy of gh/acme variables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`: byName,
		`circleci https://circleci.com/api/v2 context ` + deployID + ` variables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`:  byID,
	} {
		if got := newConfig(change).Destination(); got != want {
			t.Errorf("%s", got)
		}
	}
}
