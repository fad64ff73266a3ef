package travis

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

func newConfig(change func(*Config)) *Config {
	cfg := Spec.New().(*Config)
	cfg.Repository = "acme/app"
	if change != nil {
		change(cfg)
	}
	return cfg
}

func onMain(c *Config) { c.Branch = "main" }
func shown(c *Config)  { c.PublicKeyID = true }

// With a public key id the sink cannot see that the secret beside it is another's: TestAHalfDonePushIsSeenOfTheNewPair.
func TestConformance(t *testing.T) {
	half := map[sinktest.Fault]string{sinktest.FailBefore: "the secret shows nothing, so half of a push looks like none"}
	for name, c := range map[string]struct {
		change   func(*Config)
		evidence sinks.Evidence
		lacks    map[sinktest.Fault]string
	}{
		"variables of one branch that are not shown": {onMain, sinks.Accepted, nil},
		"a public key id of all branches":            {shown, sinks.Partial, half},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, Lacks: c.lacks, New: func(t sinktest.T) sinktest.Target {
				cfg := newConfig(c.change)
				return newModel(t, cfg).Target(cfg, cfg.Variables, "", token)
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

var (
	old  = sinks.Credential{KeyID: "AKIAOLD0000000000OLD", Secret: secret.FromString("old/+secret")}
	pair = sinks.Credential{KeyID: "AKIANEW0000000000NEW", Secret: secret.FromString("new/+secret")}
)

// within is the time of a call that may retry until its end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func served(m *model) bool {
	return m.Vars["AWS_SECRET_ACCESS_KEY"].Value == "new/+secret" && m.Vars["AWS_ACCESS_KEY_ID"].Value == string(pair.KeyID)
}

func TestAHalfDonePushIsSeenOfTheNewPair(t *testing.T) {
	m, sink := opened(t, shown)
	if _, err := sink.Push(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	m.Before = func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		if m.written(r, body) != "AWS_ACCESS_KEY_ID" {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	_, err := sink.Push(within(t), pair)
	want := "travis: write AWS_ACCESS_KEY_ID: 500 Internal Server Error (half done: AWS_SECRET_ACCESS_KEY is written, AWS_ACCESS_KEY_ID is not known to be)"
	if err == nil || err.Error() != want {
		t.Fatalf("%v", err)
	}
	m.Before = nil
	if _, err := sink.Verify(t.Context(), pair, old.KeyID, sinks.Receipt{}); sinks.ClassOf(err) != sinks.Stale {
		t.Errorf("%v", err)
	}
	if _, err := sink.Push(t.Context(), pair); err != nil || !served(m) {
		t.Errorf("%v", err)
	}
}

// The server ends between the two halves of a change: the variable is gone, and is made anew as it was.
func TestAVariableThatWasLostHalfWayIsCreatedAnew(t *testing.T) {
	m, sink := opened(t, onMain)
	if _, err := sink.Push(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	m.dies = 1
	if _, err := sink.Push(t.Context(), pair); err != nil || !served(m) {
		t.Errorf("%v", err)
	}
	if d := m.Vars["AWS_SECRET_ACCESS_KEY"].Data; d != (details{"main", false}) {
		t.Errorf("%+v", d)
	}
}

func TestAVariableThatIsAbsentForAWhileIsWaitedFor(t *testing.T) {
	m, sink := opened(t, nil)
	first := true
	m.Before = func(_ http.ResponseWriter, r *http.Request, body []byte) bool {
		if first && m.written(r, body) == "AWS_ACCESS_KEY_ID" {
			m.absent, first = 2, false
		}
		return false
	}
	if _, err := sink.Push(t.Context(), pair); err != nil || !served(m) || m.Made("POST") != 2 {
		t.Errorf("%v, %d writes", err, m.Made("POST"))
	}
}

// Two robots in one repository: Travis would lose one of two changes.
func TestOneChangeAtATimeInARepository(t *testing.T) {
	cfg := newConfig(nil)
	m := newModel(t, cfg)
	serials := &sinks.Serials{}
	leave, err := serials.Enter(t.Context(), cfg.place())
	if err != nil {
		t.Fatal(err)
	}
	other := *cfg
	other.Repository, other.Branch = "Acme/App", "main"
	other.Variables = sinks.Variables{AccessKeyID: "A", SecretAccessKey: "B", SessionToken: "C"}
	sink, err := Spec.Open(t.Context(), &other, sinks.Env{Serials: serials})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Push(within(t), pair); err == nil || m.Made("") != 0 {
		t.Errorf("%v, %q", err, m.Requests)
	}
	leave()
}

func TestSideBySideNothingIsLost(t *testing.T) {
	m, sink := opened(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := sink.Push(t.Context(), pair); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if !served(m) {
		t.Errorf("%+v", m.Vars)
	}
}

func TestAnUpdateKeepsBranchAndOtherBranches(t *testing.T) {
	m, sink := opened(t, onMain)
	m.put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "AKIAOLD", Data: details{"main", true}})
	m.put("AWS_ACCESS_KEY_ID@", varstest.Var{Value: "AKIAALL", Data: details{"", false}})
	if _, err := sink.Push(t.Context(), pair); err != nil || !served(m) {
		t.Fatal(err)
	}
	if m.Vars["AWS_ACCESS_KEY_ID"].Data != (details{"main", true}) || m.Vars["AWS_ACCESS_KEY_ID@"].Version != 1 || m.Vars["AWS_ACCESS_KEY_ID@legacy"].Version != 1 {
		t.Errorf("%+v", m.Vars)
	}
}

func TestAKeyIDIsMadePublicAndASecretNever(t *testing.T) {
	m, sink := opened(t, shown)
	m.put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "AKIAOLD", Data: details{}})
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if m.Vars["AWS_ACCESS_KEY_ID"].Data != (details{"", true}) || m.Vars["AWS_SECRET_ACCESS_KEY"].Data != (details{}) {
		t.Errorf("%+v", m.Vars)
	}
	if e, err := sink.Verify(t.Context(), pair, "AKIAOLD", r); e != sinks.Partial || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	if id, err := sink.(sinks.Reader).Serving(t.Context()); id != pair.KeyID || err != nil {
		t.Errorf("%v, %v", id, err)
	}
	m.Change(func() { m.put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "open", Data: details{"", true}}) })
	want := "travis: look at AWS_SECRET_ACCESS_KEY: it is public, so that build logs show the secret: change that in the repository's settings"
	if _, err := sink.Check(t.Context()); err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
		t.Errorf("%v", err)
	}
	if _, err := sink.Push(t.Context(), pair); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestBestEvidence(t *testing.T) {
	_, sink := opened(t, nil)
	if l, ok := sink.(sinks.Limited); !ok || l.Best() != sinks.Accepted {
		t.Error("a store that shows nothing has no more to give than accepted")
	}
	if _, ok := sink.(sinks.Reader); ok {
		t.Error("it cannot be read")
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		model  func(*model)
		want   string
		class  sinks.Class
	}{
		"a user who may only read": {nil, func(m *model) { m.may = `{"read":true,"create_env_var":false}` },
			"travis: look at acme/app: the token's user may not change the repository's settings", sinks.Denied},
		"a repository that is not there": {func(c *Config) { c.Repository = "acme/gone" }, func(*model) {},
			"travis: list the variables of acme/gone: it does not exist, or the token's user may not see it (404)", sinks.Missing},
		"a wrong token": {nil, func(m *model) { m.Before = refusing(403, "login_required") },
			"travis: list the variables of acme/app: the token is not valid, or its user may not change the repository's settings (403)", sinks.Denied},
		"a repository that was moved": {nil, func(m *model) { m.Before = refusing(403, "repo_migrated") },
			"travis: list the variables of acme/app: the repository was moved to travis-ci.com (403)", sinks.Denied},
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

func refusing(status int, why string) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		refuse(w, status, why)
		return true
	}
}

func TestSomebodyElseCreatesTheVariable(t *testing.T) {
	m, sink := opened(t, nil)
	m.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPost {
			m.Before = nil
			m.put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "theirs", Data: details{}})
		}
		return false
	}
	if _, err := sink.Push(t.Context(), pair); err != nil || !served(m) {
		t.Errorf("%v", err)
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		model  func(*model)
		want   []sinks.Warning
	}{
		"a key id of one branch": {nil, func(*model) {}, []sinks.Warning{
			"travis: AWS_ACCESS_KEY_ID has a value of its own in the branch legacy: what is written here is not what is read there"}},
		"a branch that others do not concern": {onMain, func(*model) {}, nil},
		"a server that tells no permissions":  {onMain, func(m *model) { m.may = `{}` }, nil},
		"a session token of all branches": {onMain, func(m *model) {
			m.put("AWS_SESSION_TOKEN@", varstest.Var{Data: details{}})
		}, []sinks.Warning{
			"travis: AWS_SESSION_TOKEN of all branches lies beside the pair and makes it useless: a push does not remove it"}},
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

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a repository by its path":   {nil, ""},
		"a repository by its number": {func(c *Config) { c.Repository = "7596310" }, ""},
		"a repository by its name":   {func(c *Config) { c.Repository = "app" }, "repository: must be OWNER/NAME, or a number"},
		"no repository":              {func(c *Config) { c.Repository = "" }, "repository: must be OWNER/NAME, or a number"},
		"no token":                   {func(c *Config) { c.Token = secret.Ref{} }, "token: must not be empty"},
		"no address":                 {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"a name that is not legal":   {func(c *Config) { c.Variables.AccessKeyID = "A-B" }, "variables.access_key_id: must have only letters, digits and _, and not start with a digit"},
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
	want := `travis https://api.travis-ci.com repository acme/app branch "main" variables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`
	if got := newConfig(onMain).Destination(); got != want {
		t.Errorf("%s", got)
	}
}
