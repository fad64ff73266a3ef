package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// signing is a secret of 32 bytes.
const signing = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// receiver is written from the contract in doc.go alone, and with the standard library alone.
type receiver struct {
	*varstest.Server
	pairs  map[string]sinktest.Pair // by target
	ids    map[string]bool          // seen
	bodies []string
	dumb   bool // does not answer credential.verify
}

func newReceiver(t sinktest.T) *receiver {
	s := &receiver{pairs: map[string]sinktest.Pair{"other": {ID: "AKIAOTHER"}}, ids: map[string]bool{}}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(*http.Request) bool { return true }, // the signature needs the body: see serve
		Written: func(_ *http.Request, body []byte) string {
			if strings.Contains(string(body), `"credential.put"`) {
				return sinks.DefaultVariables.AccessKeyID // whatever it is called here: it makes the faults
			}
			return ""
		},
		Serve: s.serve,
	})
	return s
}

func signed(r *http.Request, body []byte) bool {
	id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(signing, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "." + string(body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(r.Header.Get("webhook-signature")) {
		if hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

func (s *receiver) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		Type string
		Data struct {
			Target    string
			ID        string `json:"access_key_id"`
			Secret    string `json:"secret_access_key"`
			Challenge string
		}
	}
	s.bodies = append(s.bodies, string(body))
	repeated := s.ids[r.Header.Get("webhook-id")]
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/keyturn/":
		w.WriteHeader(404)
	case !signed(r, body) || json.Unmarshal(body, &in) != nil:
		w.WriteHeader(401)
	case in.Type == "credential.put" && !repeated:
		s.ids[r.Header.Get("webhook-id")] = true
		s.pairs[in.Data.Target] = sinktest.Pair{ID: in.Data.ID, Secret: in.Data.Secret}
		w.WriteHeader(204)
	case in.Type == "credential.verify" && !s.dumb:
		s.prove(w, in.Data.Target, in.Data.Challenge)
	default:
		w.WriteHeader(204)
	}
}

func (s *receiver) prove(w http.ResponseWriter, target, challenge string) {
	p := s.pairs[target]
	mac := hmac.New(sha256.New, []byte(p.Secret))
	mac.Write([]byte("keyturn-verify." + challenge))
	answer := map[string]string{"access_key_id": p.ID}
	if p.ID != "" {
		answer["proof"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *receiver) config(t sinktest.T) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Target, cfg.Secret = s.URL+"/keyturn/", "ci-bot", varstest.File(t, signing)
	return cfg
}

// target is the destination that the suite works on.
func (s *receiver) target(cfg *Config) sinktest.Target {
	t := s.Target(cfg, sinks.DefaultVariables, "", signing, strings.TrimPrefix(signing, "whsec_"))
	t.Order = nil // one request
	t.Read = func(sinktest.T) (p sinktest.Pair) {
		s.Change(func() { p = s.pairs[cfg.Target] })
		return p
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) { s.Change(func() { s.pairs[cfg.Target] = p }) }
	t.Others = func(sinktest.T) (text string) {
		s.Change(func() { text = s.pairs["other"].ID })
		return text
	}
	return t
}

// rewrite is somebody who renews a secret.
func rewrite(t sinktest.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
}
