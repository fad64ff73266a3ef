package woodpecker

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// places are the configurations of the three places, with the path of their secrets.
var places = map[string]struct {
	secrets string
	set     func(*Config)
}{
	"a repository":    {"/repos/17/secrets", func(c *Config) { c.Repository = "acme/app" }},
	"an organization": {"/orgs/4/secrets", func(c *Config) { c.Organization = "acme" }},
	"the server":      {"/secrets", func(c *Config) { c.Global = true }},
}

func configFor(t sinktest.T, s *server, place string) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	places[place].set(cfg)
	return cfg
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		place    string
		old      bool
		bundle   string
		evidence sinks.Evidence
		lacks    map[sinktest.Fault]string
	}{
		"a repository":                {place: "a repository", evidence: sinks.Stamped},
		"a bundle of an organization": {place: "an organization", bundle: "aws_credentials", evidence: sinks.Stamped},
		"an old server":               {place: "the server", old: true, evidence: sinks.Accepted, lacks: map[sinktest.Fault]string{sinktest.Missing: "global secrets are always there"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, Lacks: c.lacks, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t, places[c.place].secrets)
				s.old = c.old
				cfg := configFor(t, s, c.place)
				cfg.Bundle = c.bundle
				return s.Target(cfg, cfg.Variables, cfg.Bundle, token)
			}})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: secret.FromString("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}

func opened(t *testing.T, cfg *Config) sinks.Sink {
	t.Helper()
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPushKeepsEventsImagesAndWhatAPersonNoted(t *testing.T) {
	s := newServer(t, "/repos/17/secrets")
	mine := flags{Events: []string{"deployment"}, Images: []string{"plugins/s3"}}
	s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old", Note: "ask Ann", Data: mine})
	if _, err := opened(t, configFor(t, s, "a repository")).Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	got := s.Vars["AWS_SECRET_ACCESS_KEY"]
	if diff := cmp.Diff(mine, got.Data); diff != "" || !strings.HasPrefix(got.Note, "ask Ann | keyturn key=MPLE at=") {
		t.Errorf("%q %s", got.Note, diff)
	}
	if diff := cmp.Diff(flags{Events: usual, Images: []string{}}, s.Vars["AWS_ACCESS_KEY_ID"].Data); diff != "" {
		t.Errorf("a new secret: %s", diff)
	}
}

func TestANewSecretHasTheConfiguredEventsAndImages(t *testing.T) {
	s := newServer(t, "/repos/17/secrets")
	cfg := configFor(t, s, "a repository")
	cfg.Events, cfg.Images = []string{"tag"}, []string{"plugins/s3"}
	if _, err := opened(t, cfg).Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flags{cfg.Events, cfg.Images}, s.Vars["AWS_ACCESS_KEY_ID"].Data); diff != "" {
		t.Error(diff)
	}
}

func TestANoteThatIsFullStaysAsItIs(t *testing.T) {
	s := newServer(t, "/repos/17/secrets")
	note := strings.Repeat("n", noteMax)
	s.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "old", Note: note})
	sink := opened(t, configFor(t, s, "a repository"))
	r, err := sink.Push(t.Context(), pair)
	if err != nil || s.Vars["AWS_ACCESS_KEY_ID"].Note != note {
		t.Fatalf("%v, %q", err, s.Vars["AWS_ACCESS_KEY_ID"].Note)
	}
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Accepted || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

// The answer to the creation is lost: the second one finds the name taken.
func TestACreationWhoseAnswerWasLostIsFoundAndChanged(t *testing.T) {
	s := newServer(t, "/repos/17/secrets")
	lost := false
	s.Before = func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if lost || r.Method != http.MethodPost {
			return false
		}
		lost = true
		s.create(w, body)
		panic(http.ErrAbortHandler)
	}
	if _, err := opened(t, configFor(t, s, "a repository")).Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if !lost || s.Made("POST") != 2 || s.Vars["AWS_SECRET_ACCESS_KEY"].Version != 2 {
		t.Errorf("%v", s.Requests)
	}
}

func TestCheckWarns(t *testing.T) {
	for name, c := range map[string]struct {
		place string
		set   func(*server)
		want  []sinks.Warning
	}{
		"of nothing":                         {"a repository", func(*server) {}, nil},
		"of a repository without a pipeline": {"a repository", func(s *server) { s.inactive = true }, []sinks.Warning{"woodpecker: repository acme/app is not active: it runs no pipelines"}},
		"of repositories of the organization": {"an organization", func(s *server) {
			s.own = map[string][]string{"/repos/17/secrets": {"AWS_ACCESS_KEY_ID"}, "/repos/18/secrets": {"AWS_ACCESS_KEY_ID"}, "/repos/19/secrets": {"AWS_ACCESS_KEY_ID"}}
		}, []sinks.Warning{
			"woodpecker: AWS_ACCESS_KEY_ID has a value of its own in repository acme/app: what is written here is not what is read there",
		}},
		"of all that comes before global secrets": {"the server", func(s *server) {
			s.own = map[string][]string{"/repos/18/secrets": {"AWS_ACCESS_KEY_ID"}, "/orgs/4/secrets": {"AWS_SECRET_ACCESS_KEY"}}
		}, []sinks.Warning{
			"woodpecker: AWS_SECRET_ACCESS_KEY has a value of its own in organization acme: what is written here is not what is read there",
			"woodpecker: AWS_ACCESS_KEY_ID has a value of its own in repository other/app: what is written here is not what is read there",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.place].secrets)
			c.set(s)
			got, err := opened(t, configFor(t, s, c.place)).Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckFails(t *testing.T) {
	for name, c := range map[string]struct {
		place, token string
		set          func(*Config)
		want         string
		class        sinks.Class
	}{
		"a token that is not valid": {"a repository", "wrong", nil, "woodpecker: look up repository acme/app: 401 Unauthorized", sinks.Denied},
		"a repository to which the user may not push": {"a repository", guest, nil,
			"woodpecker: list the secrets: 404 Not Found: repository acme/app does not exist, or the token's user may not push to it", sinks.Missing},
		"an organization of others": {"an organization", pusher, nil,
			"woodpecker: list the secrets: 403 Forbidden: the token's user must be an administrator of organization acme", sinks.Denied},
		"global secrets, and no administrator": {"the server", pusher, nil,
			"woodpecker: ask for the user: it is no administrator of the server, and only one may write global secrets", sinks.Denied},
		"an address that is not the API's": {"a repository", token, func(c *Config) { c.URL += "/elsewhere" },
			"woodpecker: look up repository acme/app: the answer is not the JSON that was expected", sinks.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.place].secrets)
			cfg := configFor(t, s, c.place)
			cfg.Token = varstest.File(t, c.token)
			if c.set != nil {
				c.set(cfg)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := opened(t, cfg).Check(ctx)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v (%v), want %s", err, sinks.ClassOf(err), c.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*Config)
		want string
	}{
		"nothing":                           {func(c *Config) { *c = Config{Variables: c.Variables} }, "url: must be an address that starts with https:// or http://\ntoken: must not be empty\nrepository: exactly one of repository, organization and global must be given"},
		"a repository and global":           {func(c *Config) { c.Global = true }, "repository: exactly one of repository, organization and global must be given"},
		"a repository of no owner":          {func(c *Config) { c.Repository = "app" }, "repository: must be OWNER/NAME"},
		"a repository that leads elsewhere": {func(c *Config) { c.Repository = "acme/../app" }, "repository: must be OWNER/NAME"},
		"an organization with a question":   {func(c *Config) { c.Repository, c.Organization = "", "acme?x" }, "organization: must be the name of an organization"},
		"an unknown event":                  {func(c *Config) { c.Events = []string{"push", "merge"} }, "events[1]: must be one of push, pull_request, pull_request_closed, pull_request_metadata, tag, release, deployment, cron, manual"},
		"an empty image":                    {func(c *Config) { c.Images = []string{""} }, "images[0]: must not be empty"},
		"a name that is a path":             {func(c *Config) { c.Bundle = "a/b" }, "bundle: must have only letters, digits, _, - and ."},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.URL, cfg.Token, cfg.Repository = "https://ci.example.com", secret.Ref{Env: "TOKEN"}, "acme/app"
			c.set(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Repository = "https://ci.example.com/api/", "group/sub/app"
	if err := cfg.Validate(); err == nil || err.Error() != "token: must not be empty" {
		t.Errorf("a group in a group: %v", err)
	}
	if got, want := cfg.Destination(), `woodpecker https://ci.example.com/api repository group/sub/app secrets "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	cfg.Repository, cfg.Global, cfg.Bundle = "", true, "aws"
	if got, want := cfg.Destination(), `woodpecker https://ci.example.com/api the server secret "aws"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
