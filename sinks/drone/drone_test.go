package drone

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// places are the configurations of the two places, with the path of their secrets.
var places = map[string]struct {
	secrets string
	set     func(*Config)
}{
	"a repository":    {"/repos/acme/app/secrets", func(c *Config) { c.Repository = "acme/app" }},
	"an organization": {"/secrets/acme", func(c *Config) { c.Organization = "acme" }},
}

func configFor(t sinktest.T, s *server, place string) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	places[place].set(cfg)
	return cfg
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		place  string
		bundle string
	}{
		"a repository":                {place: "a repository"},
		"a bundle of an organization": {place: "an organization", bundle: "aws_credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t, places[c.place].secrets)
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

func TestAPushKeepsWhatPullRequestsMay(t *testing.T) {
	for name, c := range map[string]struct{ there, configured, want bool }{
		"what is there stays allowed":   {true, false, true},
		"what is there stays forbidden": {false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, "/repos/acme/app/secrets")
			s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old", Data: c.there})
			cfg := configFor(t, s, "a repository")
			cfg.PullRequest = c.configured
			if _, err := opened(t, cfg).Push(t.Context(), pair); err != nil {
				t.Fatal(err)
			}
			if got := s.Vars["AWS_SECRET_ACCESS_KEY"].Data; got != c.want {
				t.Errorf("the secret that was there: %v, want %v", got, c.want)
			}
			if got := s.Vars["AWS_ACCESS_KEY_ID"].Data; got != c.configured {
				t.Errorf("the new one: %v, want %v", got, c.configured)
			}
		})
	}
}

// A pipeline takes both for one name, and would get either if there were two.
func TestANameInOtherLettersIsTheSameSecret(t *testing.T) {
	s := newServer(t, "/repos/acme/app/secrets")
	s.Put("aws_access_key_id", varstest.Var{Value: "old"})
	s.Put("Aws_Session_Token", varstest.Var{Value: "stale"})
	sink := opened(t, configFor(t, s, "a repository"))
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if got := s.Vars["aws_access_key_id"].Value; got != string(pair.KeyID) {
		t.Errorf("aws_access_key_id is %q", got)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "Aws_Session_Token"} {
		if _, ok := s.Vars[name]; ok {
			t.Errorf("%s is there", name)
		}
	}
	s.Put("Aws_Access_Key_Id", varstest.Var{Value: "another"})
	_, err := sink.Check(t.Context())
	want := "drone: list the secrets: there are two secrets AWS_ACCESS_KEY_ID that differ only in case: remove one"
	if err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
		t.Errorf("%v, want %s", err, want)
	}
}

// The answer to the creation is lost: the second one finds the name taken.
func TestACreationWhoseAnswerWasLostIsFoundAndChanged(t *testing.T) {
	s := newServer(t, "/repos/acme/app/secrets")
	lost := false
	s.Before = func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if lost || r.Method != http.MethodPost {
			return false
		}
		lost = true
		s.all(w, r, body)
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
		"of a repository that is not active": {"a repository", func(s *server) { s.inactive = true }, []sinks.Warning{"drone: repository acme/app is not active: it runs no builds"}},
		"of repositories of the organization": {"an organization", func(s *server) {
			s.own = map[string][]string{"acme/a": {"aws_access_key_id"}, "acme/b": {"hidden"}, "acme/c": {"region"}, "other/d": {"AWS_ACCESS_KEY_ID"}}
		}, []sinks.Warning{
			"drone: AWS_ACCESS_KEY_ID has a value of its own in repository acme/a: what is written here is not what is read there",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.place].secrets)
			c.set(s)
			before := len(s.Vars)
			got, err := opened(t, configFor(t, s, c.place)).Check(t.Context())
			if err != nil || len(s.Vars) != before {
				t.Fatalf("%v, %d secrets were added", err, len(s.Vars)-before)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		place, token string
		answer       int // for every write
		want         string
		class        sinks.Class
	}{
		"a token that is not valid": {"a repository", "wrong", 0, "drone: list the secrets: 401 Unauthorized", sinks.Denied},
		"a repository of others": {"a repository", member, 0,
			"drone: list the secrets: 404 Not Found: repository acme/app does not exist, or the token's user may not write to it", sinks.Missing},
		"a member of the organization": {"an organization", member, 0,
			"drone: ask whether secrets may be written: 401 Unauthorized: the token is not valid, or its user is no administrator of organization acme", sinks.Denied},
		"an edition without secrets of organizations": {"an organization", token, http.StatusNotImplemented, "drone: ask whether secrets may be written: 501 Not Implemented", sinks.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, places[c.place].secrets)
			s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if c.answer == 0 || r.Method == http.MethodGet {
					return false
				}
				fail(w, c.answer)
				return true
			}
			cfg := configFor(t, s, c.place)
			cfg.Token = varstest.File(t, c.token)
			_, err := opened(t, cfg).Check(t.Context())
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
		"nothing":                           {func(c *Config) { *c = Config{Variables: c.Variables} }, "url: must be an address that starts with https:// or http://\ntoken: must not be empty\nrepository: exactly one of repository and organization must be given"},
		"a repository and an organization":  {func(c *Config) { c.Organization = "acme" }, "repository: exactly one of repository and organization must be given"},
		"a repository of no owner":          {func(c *Config) { c.Repository = "app" }, "repository: must be OWNER/NAME"},
		"a repository that leads elsewhere": {func(c *Config) { c.Repository = "../app" }, "repository: must be OWNER/NAME"},
		"an organization that is a path":    {func(c *Config) { c.Repository, c.Organization = "", "a/b" }, "organization: must be the name of an organization"},
		"a name with a blank":               {func(c *Config) { c.Bundle = "my key" }, "bundle: must have only letters, digits, _, - and ."},
		"names that are one":                {func(c *Config) { c.Variables.SessionToken = "aws_access_key_id" }, "variables: access_key_id, secret_access_key and session_token must differ by more than case"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.URL, cfg.Token, cfg.Repository = "https://drone.example.com", secret.Ref{Env: "TOKEN"}, "acme/app"
			c.set(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Repository = "https://drone.example.com/api/", "acme/app"
	if got, want := cfg.Destination(), `drone https://drone.example.com/api repository acme/app secrets "aws_access_key_id" "aws_secret_access_key"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	cfg.Repository, cfg.Organization, cfg.Bundle = "", "acme", "AWS"
	if got, want := cfg.Destination(), `drone https://drone.example.com/api organization acme secret "aws"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
