package jenkins

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct{ change func(*server, *Config) }{
		"a credential of the system": {func(s *server, _ *Config) {
			s.stores[systemStore]["aws-ci"] = credential("", "aws-ci", "", "")
		}},
		"a credential of a folder and a domain that Jenkins is slow to change": {func(s *server, c *Config) {
			c.Folder, c.Domain, s.deaf = "platform/my app", "aws", 1
			s.stores[folderStore]["aws-ci"] = credential("for the builds", "aws-ci", "", "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{
				Spec: Spec, NoSession: "the type has no session token",
				New: func(t sinktest.T) sinktest.Target {
					s := newServer(t)
					cfg := s.config(t)
					c.change(s, cfg)
					return s.target(cfg)
				},
			})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: secret.FromString("new/+<secret>&")}

// opened is a sink of a fresh model whose credential holds an older pair.
func opened(t *testing.T, change func(*server, *Config)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t)
	s.stores[systemStore]["aws-ci"] = credential("for the builds", "aws-ci", "AKIAOLD", "old")
	cfg := s.config(t)
	if change != nil {
		change(s, cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
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

// Every byte of the object stays but the two fields and the mark.
func TestTheOtherFieldsStay(t *testing.T) {
	s, sink := opened(t, nil)
	for _, at := range []string{"2026-11-03T10:00:01Z", "2026-11-03T10:00:04Z"} {
		if _, err := sink.Push(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
		want := credential("for the builds | keyturn key=MPLE at="+at, "aws-ci", "AKIAIOSFODNN7EXAMPLE", "new/+&lt;secret&gt;&amp;")
		if got := s.stores[systemStore]["aws-ci"]; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestACredentialThatDoesNotExistIsMade(t *testing.T) {
	s, sink := opened(t, func(_ *server, c *Config) { c.ID = "new <one>" })
	if id, err := sink.(sinks.Reader).Serving(t.Context()); id != "" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	if w, err := sink.Check(t.Context()); len(w) != 0 || err != nil {
		t.Errorf("%q, %v", w, err)
	}
	r, err := sink.Push(t.Context(), pair)
	if err != nil || r.Stamp != "keyturn key=MPLE at=2026-11-03T10:00:06Z" {
		t.Errorf("%+v, %v", r, err)
	}
	want := "<" + class + "><scope>GLOBAL</scope><id>new &lt;one&gt;</id><description>keyturn key=MPLE at=2026-11-03T10:00:06Z</description>" +
		"<accessKey>AKIAIOSFODNN7EXAMPLE</accessKey><secretKey>new/+&lt;secret&gt;&amp;</secretKey></" + class + ">"
	if got := s.stores[systemStore]["new <one>"]; got != want {
		t.Errorf("%s", got)
	}
}

// Somebody else made it between the read and the write.
func TestACredentialThatIsMadeMeanwhileIsUpdated(t *testing.T) {
	s, sink := opened(t, func(_ *server, c *Config) { c.ID = "new" })
	s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if strings.HasSuffix(r.URL.Path, "/createCredentials") {
			s.stores[systemStore]["new"] = credential("theirs", "new", "AKIATHEIRS", "x")
		}
		return false
	}
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Error(err)
	}
	if got := field(s.look(systemStore, "new"), "description"); !strings.HasPrefix(got, "theirs | keyturn key=MPLE at=") {
		t.Errorf("%s", got)
	}
}

func TestADescriptionInLatin1IsKept(t *testing.T) {
	s, sink := opened(t, func(s *server, _ *Config) {
		s.latin = true
		s.stores[systemStore]["aws-ci"] = credential("für die Läufe", "aws-ci", "", "")
	})
	// The answer after the write is read in the same encoding.
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if got := field(s.look(systemStore, "aws-ci"), "description"); !strings.HasPrefix(got, "für die Läufe | keyturn") {
		t.Errorf("%s", got)
	}
}

func TestAYesThatChangesNothingIsNotBelieved(t *testing.T) {
	s, sink := opened(t, func(s *server, _ *Config) { s.deaf = 1 })
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Errorf("one that is ignored once: %v", err)
	}
	s.deaf = 1000
	s.stores[systemStore]["aws-ci"] = credential("", "aws-ci", "AKIAOLD", "old")
	_, err := sink.Push(briefly(t), pair)
	want := "jenkins: write aws-ci: Jenkins says yes, and the credential is not the one that was written"
	if err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Temporary {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestVerifyNamesWhatIsThere(t *testing.T) {
	for want, text := range map[string]string{
		"it holds no key":                     credential("", "aws-ci", "", ""),
		"it holds another key":                credential("", "aws-ci", "AKIAOLD", "old"),
		"it was changed since it was written": credential("for the builds", "aws-ci", string(pair.KeyID), "another"),
		"the credential does not exist":       "",
	} {
		s, sink := opened(t, nil)
		r, err := sink.Push(t.Context(), pair)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := sink.Verify(t.Context(), pair, "AKIAOLD", r); e != sinks.Partial || err != nil {
			t.Errorf("%v, %v", e, err)
		}
		if s.stores[systemStore]["aws-ci"] = text; text == "" {
			delete(s.stores[systemStore], "aws-ci")
		}
		_, err = sink.Verify(t.Context(), pair, "AKIAOLD", r)
		if err == nil || err.Error() != "jenkins: verify aws-ci: "+want || sinks.ClassOf(err) != sinks.Stale {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAFailureIsNamed(t *testing.T) {
	answer := func(code int, body string) func(http.ResponseWriter, *http.Request, []byte) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	const other = "the credential holds another secret, which Jenkins does not show and a write would lose"
	for name, c := range map[string]struct {
		change      func(*server, *Config)
		class       sinks.Class
		check, push string
	}{
		"no right to look": {
			func(s *server, _ *Config) { s.lacks = []string{"View"} }, sinks.Denied,
			"jenkins: read aws-ci: the user may not do that: it needs Credentials/View",
			"jenkins: read aws-ci: the user may not do that: it needs Credentials/View",
		},
		"no right to update": {
			func(s *server, _ *Config) { s.lacks = []string{"Update"} }, sinks.Denied,
			"jenkins: check aws-ci: the user may not do that: it needs Credentials/Update",
			"jenkins: write aws-ci: the user may not do that: it needs Credentials/Update",
		},
		"no right to create": {
			func(s *server, c *Config) { c.ID, s.lacks = "new", []string{"Create"} }, sinks.Denied,
			"jenkins: check new: the user may not do that: it needs Credentials/Create",
			"jenkins: write new: the user may not do that: it needs Credentials/Create",
		},
		"a folder that is missing": {
			func(_ *server, c *Config) { c.Folder = "platform/gone" }, sinks.Missing,
			"jenkins: read platform/gone/aws-ci: the folder or the domain does not exist, or the user may not see it",
			"jenkins: read platform/gone/aws-ci: the folder or the domain does not exist, or the user may not see it",
		},
		"a credential of another type": {
			func(s *server, _ *Config) {
				s.stores[systemStore]["aws-ci"] = "<org.example.StringCredentialsImpl><id>aws-ci</id></org.example.StringCredentialsImpl>"
			}, sinks.Refused,
			"jenkins: read aws-ci: the credential is not of the type AWS Credentials",
			"jenkins: read aws-ci: the credential is not of the type AWS Credentials",
		},
		"a credential with another secret": {
			func(s *server, _ *Config) {
				s.stores[systemStore]["aws-ci"] = "<" + class + "><id>aws-ci</id><otherSecret>x</otherSecret></" + class + ">"
			}, sinks.Refused, "jenkins: check aws-ci: " + other, "jenkins: write aws-ci: " + other,
		},
		"a password in place of a token": {
			func(s *server, _ *Config) {
				s.Before = answer(403, "<html>No valid crumb was included in the request</html>")
			}, sinks.Denied,
			"jenkins: read aws-ci: Jenkins asks for a crumb: token must be an API token, not a password",
			"jenkins: read aws-ci: Jenkins asks for a crumb: token must be an API token, not a password",
		},
		"a wrong token": {
			func(s *server, _ *Config) { s.Before = answer(401, "") }, sinks.Denied,
			"jenkins: read aws-ci: the user or its API token is not accepted",
			"jenkins: read aws-ci: the user or its API token is not accepted",
		},
		"a page instead of XML": {
			func(s *server, _ *Config) { s.Before = answer(200, "<html><br>log in") }, sinks.Temporary,
			"jenkins: read aws-ci: the answer is not the XML of a credential",
			"jenkins: read aws-ci: the answer is not the XML of a credential",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			_, err := sink.Check(briefly(t))
			if err == nil || err.Error() != c.check || sinks.ClassOf(err) != c.class {
				t.Errorf("check: %v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.check)
			}
			_, err = sink.Push(briefly(t), pair)
			if err == nil || err.Error() != c.push || sinks.ClassOf(err) != c.class {
				t.Errorf("push: %v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.push)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server)
		want   []sinks.Warning
	}{
		"nothing to say": {func(*server) {}, nil},
		"a scope that jobs do not get": {
			func(s *server) {
				s.stores[systemStore]["aws-ci"] = strings.Replace(s.stores[systemStore]["aws-ci"], "GLOBAL", "SYSTEM", 1)
			},
			[]sinks.Warning{"jenkins: the scope of aws-ci is SYSTEM: jobs do not get it"},
		},
		"a Jenkins without forms": {
			func(s *server) { s.noForms = true },
			[]sinks.Warning{"jenkins: whether the user may write aws-ci is not known"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, func(s *server, _ *Config) { c.change(s) })
			got, err := sink.Check(t.Context())
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoCredentialIsNotParsed(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a text": "log in", "half": "<a><b>", "two": "<a></a><b>", "a declaration": "<?xml version='1.1'?>",
	} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%s is parsed", name)
		}
	}
}

func TestConfigurationsThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":         {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"no user":            {func(c *Config) { c.User = "" }, "user: must be the name of a user, without a colon"},
		"a user and a token": {func(c *Config) { c.User = "a:b" }, "user: must be the name of a user, without a colon"},
		"no token":           {func(c *Config) { c.Token = secret.Ref{} }, "token: must not be empty"},
		"no id":              {func(c *Config) { c.ID = "" }, "id: must be the id of a credential"},
		"an id with a slash": {func(c *Config) { c.ID = "a/b" }, "id: must be the id of a credential"},
		"a way out":          {func(c *Config) { c.Folder = "a/../b" }, "folder: must be names of folders with a slash between them, and none at either end"},
		"a slash at the end": {func(c *Config) { c.Folder = "a/" }, "folder: must be names of folders with a slash between them, and none at either end"},
		"the global domain":  {func(c *Config) { c.Domain = "_" }, "domain: must be the name of a domain; leave it out for the global one"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &Config{URL: "https://j.example/jenkins", User: "robot", Token: secret.Ref{Env: "X"}, Folder: "a/b c", ID: "aws"}
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

func TestDestinationTellsTwoPlacesApart(t *testing.T) {
	base := Config{URL: "https://j", ID: "aws"}
	same := base
	same.URL, same.User, same.Token = "https://j/", "other", secret.Ref{Env: "X"}
	if base.Destination() != same.Destination() {
		t.Errorf("%s\n%s", base.Destination(), same.Destination())
	}
	for name, change := range map[string]func(*Config){
		"url": func(c *Config) { c.URL = "https://k" }, "folder": func(c *Config) { c.Folder = "x" },
		"domain": func(c *Config) { c.Domain = "x" }, "id": func(c *Config) { c.ID = "x" },
	} {
		other := base
		change(&other)
		if other.Destination() == base.Destination() {
			t.Errorf("another %s is the same destination", name)
		}
	}
}

func TestTheDocPageNamesEveryKey(t *testing.T) {
	typ := reflect.TypeFor[Config]()
	for i := range typ.NumField() {
		if key := typ.Field(i).Tag.Get("yaml"); !strings.Contains(Spec.Doc, key) {
			t.Errorf("the doc page does not mention %s", key)
		}
	}
}
