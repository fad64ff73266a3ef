package webhook

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
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
		change   func(*receiver, *Config)
	}{
		"a receiver that proves":   {sinks.Exact, func(*receiver, *Config) {}},
		"a receiver that says yes": {sinks.Accepted, func(r *receiver, c *Config) { r.dumb, c.Verify, c.Target = true, false, "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{
				Spec: Spec, Evidence: c.evidence, NoSession: "the receiver decides what lies beside the pair",
				New: func(t sinktest.T) sinktest.Target {
					s := newReceiver(t)
					cfg := s.config(t)
					c.change(s, cfg)
					return s.target(cfg)
				},
			})
		})
	}
}

// Source: the test vector of Standard Webhooks.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	s := signer{varstest.File(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
	h, err := s.headers(t.Context(), "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	want := http.Header{}
	want.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	want.Set("webhook-timestamp", "1614265330")
	want.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	if err != nil || !reflect.DeepEqual(h, want) {
		t.Errorf("%v, %v", h, err)
	}
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

func opened(t *testing.T, change func(*receiver, *Config)) (*receiver, sinks.Sink) {
	t.Helper()
	s := newReceiver(t)
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

// The bodies are a contract with programs that are not ours.
func TestTheBodies(t *testing.T) {
	s, sink := opened(t, nil)
	if _, err := sink.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	vary := regexp.MustCompile(`"timestamp":"[0-9-]{10}T[0-9:]{8}Z"|"challenge":"[A-Z2-7]{26}"`)
	want := []string{
		`{"type":"credential.check",*,"data":{"target":"ci-bot"}}`,
		`{"type":"credential.verify",*,"data":{"target":"ci-bot",*}}`,
		`{"type":"credential.put",*,"data":{"target":"ci-bot","access_key_id":"AKIANEW","secret_access_key":"new/+secret"}}`,
	}
	for i, body := range s.bodies {
		if got := vary.ReplaceAllString(body, "*"); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
	}
}

func TestARetryHasTheSameIdAndAnotherPushDoesNot(t *testing.T) {
	s, sink := opened(t, nil)
	var ids []string
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		ids = append(ids, r.Header.Get("webhook-id"))
		if len(ids)%2 == 1 {
			w.WriteHeader(503)
			return true
		}
		return false
	}
	for range 2 {
		if _, err := sink.Push(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 4 || ids[0] != ids[1] || ids[2] != ids[3] || ids[0] == ids[2] || !strings.HasPrefix(ids[0], "msg_") {
		t.Errorf("%q", ids)
	}
}

func TestVerifyNamesWhatIsServed(t *testing.T) {
	for want, p := range map[string]sinktest.Pair{
		"the receiver serves no key":                                               {},
		"the receiver serves another key":                                          {ID: "AKIAOLD", Secret: "new/+secret"},
		"the receiver does not prove that it serves this secret beside the key id": {ID: "AKIANEW", Secret: "old"},
	} {
		s, sink := opened(t, nil)
		s.pairs["ci-bot"] = p
		_, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{})
		if err == nil || err.Error() != "webhook: verify: "+want || sinks.ClassOf(err) != sinks.Stale {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAReceiverThatCannotSayIsNotBelievedMore(t *testing.T) {
	_, sink := opened(t, func(_ *receiver, c *Config) { c.Verify = false })
	if best := sink.(sinks.Limited).Best(); best != sinks.Accepted {
		t.Errorf("%v", best)
	}
	if _, ok := sink.(sinks.Reader); ok {
		t.Error("it is a Reader")
	}
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sink.Verify(t.Context(), sinks.Credential{KeyID: "AKIAOTHER", Secret: pair.Secret}, "", r)
	if want := "webhook: verify: nothing says which pair the receiver serves"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAFailureIsNamed(t *testing.T) {
	answer := func(code int) func(*receiver, *Config) {
		return func(s *receiver, _ *Config) {
			s.Before = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { w.WriteHeader(code); return true }
		}
	}
	for name, c := range map[string]struct {
		change func(*receiver, *Config)
		class  sinks.Class
		want   string
	}{
		"another secret": {
			func(_ *receiver, c *Config) { c.Secret = varstest.File(t, "whsec_"+strings.Repeat("AAAA", 8)) },
			sinks.Denied, "webhook: check: the receiver does not accept the signature",
		},
		"another path": {
			func(_ *receiver, c *Config) { c.URL = strings.TrimSuffix(c.URL, "/") },
			sinks.Missing, "webhook: check: the receiver, or its target, does not exist",
		},
		"a receiver that is gone": {answer(410), sinks.Missing, "webhook: check: the receiver, or its target, does not exist"},
		"a receiver that refuses": {answer(422), sinks.Refused, "webhook: check: 422 Unprocessable Entity"},
		"a receiver that is down": {answer(503), sinks.Temporary, "webhook: check: 503 Service Unavailable"},
		"a receiver that is busy": {answer(409), sinks.Conflict, "webhook: check: 409 Conflict"},
		"a receiver that cannot say": {
			func(s *receiver, _ *Config) { s.dumb = true },
			sinks.Refused, "webhook: check: the receiver does not answer credential.verify: say verify: false if it cannot",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			_, err := sink.Check(briefly(t))
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestASecretThatIsNoneIsNoticedWhenTheSinkIsOpened(t *testing.T) {
	const form = "webhook: secret: must be whsec_ and 24 to 64 bytes in base64"
	for name, c := range map[string]struct {
		ref  secret.Ref
		want string
	}{
		"missing":   {secret.Ref{File: "/nonexistent/s"}, "webhook: secret: secret from file /nonexistent/s: no such file or directory"},
		"no prefix": {varstest.File(t, strings.TrimPrefix(signing, "whsec_")), form},
		"no base64": {varstest.File(t, "whsec_hunter2!"), form},
		"too short": {varstest.File(t, "whsec_"+strings.Repeat("AAAA", 7)), form},
		"too long":  {varstest.File(t, "whsec_"+strings.Repeat("AAAA", 22)), form},
	} {
		cfg := &Config{URL: "https://r.example", Secret: c.ref}
		if _, err := Spec.Open(t.Context(), cfg, sinks.Env{}); err == nil || err.Error() != c.want || sinks.ClassOf(err) != sinks.Denied {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestASecretThatWasRenewedIsUsed(t *testing.T) {
	var ref secret.Ref
	_, sink := opened(t, func(_ *receiver, c *Config) {
		ref = varstest.File(t, "whsec_"+strings.Repeat("AAAA", 8))
		c.Secret = ref
	})
	if _, err := sink.Check(t.Context()); sinks.ClassOf(err) != sinks.Denied {
		t.Error(err)
	}
	rewrite(t, ref.File, signing)
	if _, err := sink.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfigurationsThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":            {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"http elsewhere":        {func(c *Config) { c.URL = "http://receiver.example" }, "url: must be https: only a receiver on this machine may be http"},
		"a host like localhost": {func(c *Config) { c.URL = "http://localhost.example" }, "url: must be https: only a receiver on this machine may be http"},
		"a host like 127.0.0.1": {func(c *Config) { c.URL = "http://127.0.0.1.example" }, "url: must be https: only a receiver on this machine may be http"},
		"a token in the query":  {func(c *Config) { c.URL = "https://r.example/?token=x" }, "url: must hold no user, password, query or fragment"},
		"no secret":             {func(c *Config) { c.Secret = secret.Ref{} }, "secret: must not be empty"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &Config{URL: "https://r.example/hook", Secret: secret.Ref{Env: "X"}}
			for _, good := range []string{cfg.URL, "http://localhost:80", "http://127.1.2.3/x", "http://[::1]:8080/"} {
				cfg.URL = good
				if err := cfg.Validate(); err != nil {
					t.Fatal(good, err)
				}
			}
			c.change(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestAddressesKeepTheirPath(t *testing.T) {
	for address, want := range map[string][2]string{
		"https://r.example":             {"https://r.example", ""},
		"https://r.example/":            {"https://r.example", "/"},
		"https://r.example:8443/a%2Fb/": {"https://r.example:8443", "/a%2Fb/"},
	} {
		c := Config{URL: address}
		if base, path := c.address(); base != want[0] || path != want[1] {
			t.Errorf("%s: %q %q", address, base, path)
		}
	}
}

func TestDestinationTellsTwoPlacesApart(t *testing.T) {
	base := Config{URL: "https://r", Target: "a"}
	for _, other := range []Config{{URL: "https://s", Target: "a"}, {URL: "https://r", Target: "b"}} {
		if other.Destination() == base.Destination() {
			t.Errorf("%s is the same destination", other.Destination())
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
