package gitea

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// places are the configurations of the three scopes, with the place of their secrets.
var places = map[string]struct {
	place string
	set   func(*Config)
}{
	"a repository":    {"/repos/acme/app", func(c *Config) { c.Repository = "acme/app" }},
	"an organization": {"/orgs/acme", func(c *Config) { c.Organization = "acme" }},
	"another user":    {"/user", func(c *Config) { c.User = "tim" }},
	"a user":          {"/user", func(c *Config) { c.User = "Mona" }},
}

func configFor(t sinktest.T, s *server, scope string) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	places[scope].set(cfg)
	return cfg
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		scope    string
		forgejo  bool
		bundle   string
		evidence sinks.Evidence
		lacks    map[sinktest.Fault]string
	}{
		"a repository":                 {scope: "a repository", evidence: sinks.Stamped},
		"a bundle of an organization":  {scope: "an organization", bundle: "AWS_CREDENTIALS", evidence: sinks.Stamped},
		"an organization in Forgejo":   {scope: "an organization", forgejo: true, evidence: sinks.Accepted},
		"a user, who cannot be listed": {scope: "a user", evidence: sinks.Accepted, lacks: map[sinktest.Fault]string{sinktest.Missing: "who has a token exists"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, Lacks: c.lacks, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t, places[c.scope].place)
				s.forgejo = c.forgejo
				cfg := configFor(t, s, c.scope)
				cfg.Bundle = c.bundle
				return s.Target(cfg, cfg.Variables, cfg.Bundle, token)
			}})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: secret.FromString("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}

func opened(t *testing.T, cfg *Config, env sinks.Env) sinks.Sink {
	t.Helper()
	s, err := Spec.Open(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPushKeepsWhatAPersonWroteInTheDescription(t *testing.T) {
	s := newServer(t, "/repos/acme/app")
	s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old", Note: "ask Ann"})
	sink := opened(t, configFor(t, s, "a repository"), sinks.Env{})
	for range 2 {
		if _, err := sink.Push(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"AWS_SECRET_ACCESS_KEY": "ask Ann | keyturn key=MPLE at=", "AWS_ACCESS_KEY_ID": "keyturn key=MPLE at="} {
		if got := s.Vars[name].Note; !strings.HasPrefix(got, want) || strings.Count(got, "keyturn") != 1 {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestNamesInSmallLettersAreFoundInCapitals(t *testing.T) {
	s := newServer(t, "/repos/acme/app")
	s.Put("BOT_TOKEN", varstest.Var{Value: "stale"})
	cfg := configFor(t, s, "a repository")
	cfg.Variables = sinks.Variables{AccessKeyID: "bot_id", SecretAccessKey: "Bot_Secret", SessionToken: "bot_token"}
	sink := opened(t, cfg, sinks.Env{})
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Stamped || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	if got := s.Vars["BOT_ID"].Value; got != string(pair.KeyID) {
		t.Errorf("BOT_ID is %q", got)
	}
	if _, ok := s.Vars["BOT_TOKEN"]; ok {
		t.Errorf("the session token is still there")
	}
}

func TestAUsersSessionTokenIsRemovedUnseen(t *testing.T) {
	s := newServer(t, "/user")
	s.Put("AWS_SESSION_TOKEN", varstest.Var{Value: "stale"})
	sink := opened(t, configFor(t, s, "a user"), sinks.Env{})
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Vars["AWS_SESSION_TOKEN"]; ok {
		t.Errorf("the session token is still there")
	}
	if best := sink.(sinks.Limited).Best(); best != sinks.Accepted {
		t.Errorf("its best evidence is %v", best)
	}
}

func TestCheckWarns(t *testing.T) {
	for name, c := range map[string]struct {
		scope string
		set   func(*server)
		want  []sinks.Warning
	}{
		"of nothing": {"a repository", func(*server) {}, nil},
		"of a repository without jobs": {"a repository", func(s *server) { s.archived, s.withActions = true, false }, []sinks.Warning{
			"gitea: repository acme/app is archived: it runs no jobs", "gitea: Actions are off in repository acme/app: it runs no jobs",
		}},
		"of repositories with secrets of their own": {"an organization", func(s *server) {
			s.own = map[string][]string{"acme/a": {"REGION"}, "acme/b": {"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"}, "acme/c": {"AWS_SESSION_TOKEN"}}
		}, []sinks.Warning{
			"gitea: AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID have values of their own in repository acme/b: what is written here is not what is read there",
			"gitea: AWS_SESSION_TOKEN has a value of its own in repository acme/c: what is written here is not what is read there",
		}},
		"of what it saw before it may see no more": {"a user", func(s *server) {
			s.own = map[string][]string{"mona/a": {"AWS_ACCESS_KEY_ID"}, "mona/b": {"hidden"}, "mona/c": {"AWS_ACCESS_KEY_ID"}}
		}, []sinks.Warning{
			"gitea: AWS_ACCESS_KEY_ID has a value of its own in repository mona/a: what is written here is not what is read there",
		}},
		"of a session token": {"a repository", func(s *server) { s.Put("AWS_SESSION_TOKEN", varstest.Var{Value: "stale"}) }, []sinks.Warning{
			"gitea: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.scope].place)
			c.set(s)
			got, err := opened(t, configFor(t, s, c.scope), sinks.Env{}).Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		scope  string
		token  string
		answer int // for the write of the key id
		want   string
		class  sinks.Class
	}{
		"a token that may only read": {"a repository", readOnly, 0,
			"gitea: ask whether secrets may be written: 403 Forbidden: the token needs the scope write:repository and must be of an owner of the repository", sinks.Denied},
		"a token that is not valid": {"an organization", "wrong", 0, "gitea: list the secrets: 401 Unauthorized", sinks.Denied},
		"a user's token that may only read": {"a user", readOnly, 0,
			"gitea: ask whether secrets may be written: 403 Forbidden: the token needs the scope write:user and must be of that user", sinks.Denied},
		"a token of another user": {"another user", token, 0, "gitea: ask for the user: the token is of another user than tim", sinks.Denied},
		"a place that is gone": {"an organization", token, http.StatusNotFound,
			"gitea: write AWS_SECRET_ACCESS_KEY: 404 Not Found: organization acme does not exist, or the token may not see it", sinks.Missing},
		"a name that is refused": {"a repository", token, http.StatusBadRequest, "gitea: write AWS_SECRET_ACCESS_KEY: 400 Bad Request", sinks.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.scope].place)
			s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if c.answer == 0 || r.Method != http.MethodPut || strings.HasSuffix(r.URL.Path, "/"+impossible) {
					return false
				}
				w.WriteHeader(c.answer)
				return true
			}
			cfg := configFor(t, s, c.scope)
			cfg.Token = varstest.File(t, c.token)
			sink := opened(t, cfg, sinks.Env{})
			_, err := sink.Check(t.Context())
			if err == nil {
				_, err = sink.Push(t.Context(), pair)
			}
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v (%v), want %s (%v)", err, sinks.ClassOf(err), c.want, c.class)
			}
		})
	}
}

func TestCheckWritesNothingEvenWhereItAsks(t *testing.T) {
	s := newServer(t, "/repos/acme/app")
	before := len(s.Vars)
	if _, err := opened(t, configFor(t, s, "a repository"), sinks.Env{}).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.Vars) != before || s.Made("PUT /api/v1/repos/acme/app/actions/secrets/0") != 1 {
		t.Errorf("%v", s.Requests)
	}
}

func TestCanary(t *testing.T) {
	for name, c := range map[string]struct {
		scope, workflow, ref string
		set                  func(*server)
		wantRef              string
	}{
		"of Gitea":              {"a repository", "canary.yml", "main", func(*server) {}, "main"},
		"on the default branch": {"a repository", "canary.yml", "", func(*server) {}, "trunk"},
		"of an organization":    {"an organization", "acme/app/canary.yml", "main", func(*server) {}, "main"},
		"of Forgejo":            {"a repository", "canary.yml", "main", func(s *server) { s.forgejo = true }, "main"},
		"of Gitea 1.25, which tells no run": {"a repository", "canary.yml", "main", func(s *server) {
			s.before126 = true
			s.runs = []run{{ID: 7, Path: "canary.yml@refs/heads/main", Status: "completed", Conclusion: "success"}}
		}, "main"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.scope].place)
			c.set(s)
			cfg := configFor(t, s, c.scope)
			env := sinks.Env{Canary: &sinks.CanaryConfig{Workflow: c.workflow, Ref: c.ref}}
			sink := opened(t, cfg, env)
			if best := sink.(sinks.Limited).Best(); best != sinks.Proven {
				t.Errorf("its best evidence is %v", best)
			}
			id, err := sink.(sinks.Canary).StartCanary(t.Context(), pair)
			if err != nil || id != "acme/app/42" {
				t.Fatalf("%q, %v", id, err)
			}
			if want := `{"inputs":{"access_key_id":"AKIAIOSFODNN7EXAMPLE"},"ref":"` + c.wantRef + `","return_run_info":true}`; s.started[0] != want {
				t.Errorf("it was started with %s, want %s", s.started[0], want)
			}
			sink = opened(t, cfg, env) // a restart
			if done, err := sink.(sinks.Canary).CanaryResult(t.Context(), id); done || err != nil {
				t.Errorf("while it waits: %v, %v", done, err)
			}
			s.finish(42, "success")
			if done, err := sink.(sinks.Canary).CanaryResult(t.Context(), id); !done || err != nil {
				t.Errorf("after a success: %v, %v", done, err)
			}
		})
	}
}

// finish is the end of a run, in the words of the server.
func (s *server) finish(id int64, how string) {
	for i := range s.runs {
		if s.runs[i].ID != id {
			continue
		}
		s.runs[i].Status, s.runs[i].Conclusion = "completed", how
		if s.forgejo {
			s.runs[i].Status, s.runs[i].Conclusion = how, ""
		}
	}
}

func TestACanaryThatFails(t *testing.T) {
	s := newServer(t, "/repos/acme/app")
	sink := opened(t, configFor(t, s, "a repository"), sinks.Env{Canary: &sinks.CanaryConfig{Workflow: "canary.yml", Ref: "main"}}).(sinks.Canary)
	for how, forgejo := range map[string]bool{"failure": true, "cancelled": false, "skipped": false} {
		s.forgejo = forgejo
		id, err := sink.StartCanary(t.Context(), pair)
		if err != nil {
			t.Fatal(err)
		}
		number := strings.TrimPrefix(id, "acme/app/")
		s.finish(int64(41+len(s.started)), how)
		done, err := sink.CanaryResult(t.Context(), id)
		want := "gitea: look at run " + number + " of acme/app: it ended as " + how
		if !done || err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
			t.Errorf("%v, %v, want %s", done, err, want)
		}
	}
}

func TestACanaryThatCannotBeStarted(t *testing.T) {
	for name, c := range map[string]struct {
		answer int
		want   string
		class  sinks.Class
	}{
		"a workflow that is disabled": {http.StatusForbidden,
			"gitea: start canary.yml: 403 Forbidden: the workflow is disabled, or the token needs the scope write:repository and must be of somebody who may write to the repository", sinks.Denied},
		"a workflow that is not there": {http.StatusNotFound,
			"gitea: start canary.yml: 404 Not Found: repository acme/app has no such workflow or branch, or the token may not see it", sinks.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, "/repos/acme/app")
			s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == http.MethodPost {
					w.WriteHeader(c.answer)
				}
				return r.Method == http.MethodPost
			}
			sink := opened(t, configFor(t, s, "a repository"), sinks.Env{Canary: &sinks.CanaryConfig{Workflow: "canary.yml", Ref: "main"}})
			_, err := sink.(sinks.Canary).StartCanary(t.Context(), pair)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestACanaryMustNameAWorkflow(t *testing.T) {
	s := newServer(t, "/orgs/acme")
	for name, c := range map[string]struct{ scope, workflow, want string }{
		"no file":                     {"a repository", "", "gitea: canary: workflow must be the name of a workflow's file, or OWNER/NAME/FILE"},
		"a path":                      {"a repository", ".gitea/canary.yml", "gitea: canary: workflow must be the name of a workflow's file, or OWNER/NAME/FILE"},
		"no repository":               {"an organization", "canary.yml", "gitea: canary: workflow must be OWNER/NAME/FILE, because the sink is not a repository's"},
		"a way out of the repository": {"a user", "acme/../canary.yml", "gitea: canary: workflow must be OWNER/NAME/FILE, because the sink is not a repository's"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Spec.Open(t.Context(), configFor(t, s, c.scope), sinks.Env{Canary: &sinks.CanaryConfig{Workflow: c.workflow}})
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*Config)
		want string
	}{
		"nothing":                           {func(c *Config) { *c = Config{Variables: c.Variables} }, "url: must be an address that starts with https:// or http://\ntoken: must not be empty\nrepository: exactly one of repository, organization and user must be given"},
		"a repository and a user":           {func(c *Config) { c.User = "mona" }, "repository: exactly one of repository, organization and user must be given"},
		"a repository of no owner":          {func(c *Config) { c.Repository = "app" }, "repository: must be OWNER/NAME"},
		"a repository that leads elsewhere": {func(c *Config) { c.Repository = "acme/.." }, "repository: must be OWNER/NAME"},
		"an organization that is a path":    {func(c *Config) { c.Repository, c.Organization = "", "acme/app" }, "organization: must be the name of an organization"},
		"a user that is a path":             {func(c *Config) { c.Repository, c.User = "", "a/b" }, "user: must be the name of a user"},
		"a reserved name":                   {func(c *Config) { c.Variables.AccessKeyID = "gitea_key" }, "variables.access_key_id: must not start with GITEA_"},
		"the name CI":                       {func(c *Config) { c.Bundle = "ci" }, "bundle: must not be CI"},
		"names that are one":                {func(c *Config) { c.Variables.SessionToken = "aws_access_key_id" }, "variables: access_key_id, secret_access_key and session_token must differ by more than case"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.URL, cfg.Token, cfg.Repository = "https://git.example.com", secret.Ref{Env: "TOKEN"}, "acme/app"
			c.set(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	of := func(set func(*Config)) string {
		cfg := Spec.New().(*Config)
		cfg.URL, cfg.Repository = "https://git.example.com", "acme/app"
		set(cfg)
		return cfg.Destination()
	}
	want := `gitea https://git.example.com/api/v1 repository acme/app secrets "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`
	for name, set := range map[string]func(*Config){
		"an address":                       func(*Config) {},
		"the address of the API":           func(c *Config) { c.URL = "https://git.example.com/api/v1/" },
		"a repository in capitals":         func(c *Config) { c.Repository = "Acme/App" },
		"names in small letters":           func(c *Config) { c.Variables.AccessKeyID = "aws_access_key_id" },
		"another name for a session token": func(c *Config) { c.Variables.SessionToken = "T" },
	} {
		if got := of(set); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got, want := of(func(c *Config) { c.Repository, c.User, c.Bundle = "", "Mona", "file" }), `gitea https://git.example.com/api/v1 user mona secret "FILE"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOnlyASinkWithACanaryIsOne(t *testing.T) {
	s := newServer(t, "/repos/acme/app")
	sink := opened(t, configFor(t, s, "a repository"), sinks.Env{})
	if _, is := sink.(sinks.Canary); is {
		t.Errorf("%v is a canary", reflect.TypeOf(sink))
	}
}
