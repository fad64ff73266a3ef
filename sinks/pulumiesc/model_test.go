package pulumiesc

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	accessToken = "pul-the-token-of-the-model"
	home        = "/api/esc/environments/acme/ci/aws"
	thing       = "definition" // the one variable that the model's base knows
)

// server is a small Pulumi with one environment. Secrets are encrypted when they are stored, ciphertexts are kept, and
// who sends an ETag in the header ETag is refused if it is not the current one.
type server struct {
	*varstest.Server
	lag   int  // decrypted answers that show the revision before
	bare  bool // answers have no ETag
	older string
}

func newServer(t sinktest.T, text string) *server {
	s := &server{}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "token "+accessToken && r.Header.Get("Accept") == "application/vnd.pulumi+8"
		},
		Written: func(r *http.Request, _ []byte) string {
			if r.Method != http.MethodPatch {
				return ""
			}
			return thing
		},
		Serve: s.serve,
	})
	s.Put(thing, varstest.Var{Value: encrypted(text)})
	return s
}

func (s *server) etag() string { return fmt.Sprintf(`"%d"`, s.Vars[thing].Version) }

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	now := s.Vars[thing]
	switch r.Method + " " + r.URL.Path {
	case "GET " + home, "GET " + home + "/decrypt":
	case "PATCH " + home:
		s.patch(w, r, string(body))
		return
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	text, version := now.Value, now.Version
	if strings.HasSuffix(r.URL.Path, "/decrypt") {
		if s.lag > 0 {
			s.lag--
			text, version = s.older, version-1
		}
		text = decrypted(text)
	}
	if !s.bare {
		w.Header().Set("ETag", s.etag())
	}
	w.Header().Set("Pulumi-ESC-Revision", fmt.Sprint(version))
	fmt.Fprint(w, text)
}

func (s *server) patch(w http.ResponseWriter, r *http.Request, text string) {
	var any any
	switch {
	case r.Header.Get("Content-Type") != "application/x-yaml":
		w.WriteHeader(http.StatusUnsupportedMediaType)
	case r.Header.Get("ETag") != "" && r.Header.Get("ETag") != s.etag():
		w.WriteHeader(http.StatusConflict)
	case yaml.Unmarshal([]byte(masked(text)), &any) != nil || strings.Contains(text, "invalid"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"diagnostics":[{"summary":%q}]}`, text)
	default:
		s.older = s.Vars[thing].Value
		w.Header().Set("Pulumi-ESC-Revision", fmt.Sprint(s.Put(thing, varstest.Var{Value: encrypted(text)}).Version))
		fmt.Fprint(w, `{"diagnostics":[{"summary":"something to know"}]}`)
	}
}

var (
	plainForm  = regexp.MustCompile(`fn::secret: ("[^"]*"|[^\s{"}]+)`)
	cipherForm = regexp.MustCompile(`fn::secret:(\s+|\s*\{\s*)ciphertext: (\w+=*)\}?`)
)

// encrypted is text with a ciphertext for each plain secret, laid out as the service does.
func encrypted(text string) string {
	return plainForm.ReplaceAllStringFunc(text, func(s string) string {
		value := strings.Trim(plainForm.FindStringSubmatch(s)[1], `"`)
		return "fn::secret: {ciphertext: " + base64.RawStdEncoding.EncodeToString([]byte("sealed"+value)) + "}"
	})
}

func decrypted(text string) string {
	return cipherForm.ReplaceAllStringFunc(text, func(s string) string {
		value, _ := base64.RawStdEncoding.DecodeString(cipherForm.FindStringSubmatch(s)[2])
		return "fn::secret: " + strings.TrimPrefix(string(value), "sealed")
	})
}

// text is the definition as it is stored.
func (s *server) text() (text string) {
	s.Change(func() { text = s.Vars[thing].Value })
	return text
}

const neighbours = `# owned by platform
imports:
  - base/region

values:
  other:
    password: {fn::secret: hunter2} # of another manager
  environmentVariables:
    AWS_REGION: eu-central-1 # where
    DATABASE: ${other.password}
`

// target is the destination of the suite.
func (s *server) target(cfg *Config) sinktest.Target {
	v := cfg.Variables
	t := s.Target(cfg, v, thing, accessToken)
	look := func(plain string) (p sinktest.Pair) {
		d, err := parse(plain)
		if err != nil {
			return p
		}
		get := func(name string) string {
			e, _ := d.at(append([]string{"values"}, cfg.path()...), name)
			return read(e).text
		}
		return sinktest.Pair{ID: get(v.AccessKeyID), Secret: get(v.SecretAccessKey), SessionToken: get(v.SessionToken)}
	}
	t.Read = func(sinktest.T) sinktest.Pair { return look(decrypted(s.text())) }
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.Change(func() {
			plain := decrypted(s.Vars[thing].Value)
			if at := strings.Index(plain, "    "+v.AccessKeyID); at >= 0 {
				plain = plain[:at]
			}
			plain += fmt.Sprintf("    %s:\n      fn::secret: %s\n", v.AccessKeyID, p.ID)
			plain += fmt.Sprintf("    %s:\n      fn::secret: %s\n", v.SecretAccessKey, p.Secret)
			if p.SessionToken != "" {
				plain += fmt.Sprintf("    %s:\n      fn::secret: %s\n", v.SessionToken, p.SessionToken)
			}
			s.Put(thing, varstest.Var{Value: encrypted(plain)})
		})
	}
	t.Others = func(sinktest.T) string {
		text := s.text()
		if at := strings.Index(text, "    "+v.AccessKeyID); at >= 0 {
			text = text[:at]
		}
		return text
	}
	return t
}

func newConfig(t sinktest.T, s *server) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, accessToken)
	cfg.Organization, cfg.Project, cfg.Environment = "acme", "ci", "aws"
	return cfg
}
