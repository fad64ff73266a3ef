package jenkins

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "11f0the-api-token"

// server is a small Jenkins: credentials stores of the system and of folders, and their traps.
type server struct {
	*varstest.Server
	stores  map[string]map[string]string // XML with its secrets, by id, by path of the store
	lacks   []string                     // permissions that the user has not
	deaf    int                          // writes that are answered 200 and change nothing
	noForms bool
	latin   bool // answers in Latin-1
}

const (
	systemStore = "/credentials/store/system/domain/_"
	folderStore = "/job/platform/job/my app/credentials/store/folder/domain/aws"
)

func newServer(t sinktest.T) *server {
	s := &server{stores: map[string]map[string]string{systemStore: {"github": credential("someone", "github", "", "")}, folderStore: {}}}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "Basic "+base64.StdEncoding.EncodeToString([]byte("robot:"+token))
		},
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodPost {
				return sinks.DefaultVariables.AccessKeyID // whatever it is called here: it makes the faults
			}
			return ""
		},
		Serve: s.serve,
	})
	return s
}

// credential is one with all that the plugin can have.
func credential(note, id, key, secret string) string {
	return "<" + class + ` plugin="aws-credentials@231.v08a_59f17d742">
  <scope>GLOBAL</scope>
  <id>` + id + `</id>
  <description>` + note + `</description>
  <accessKey>` + key + `</accessKey>
  <secretKey>` + secret + `</secretKey>
  <iamRoleArn>arn:aws:iam::111122223333:role/deploy &amp; more</iamRoleArn>
  <iamExternalId/>
  <iamMfaSerialNumber></iamMfaSerialNumber>
  <stsTokenDuration>3600</stsTokenDuration>
</` + class + `>`
}

var secretField = regexp.MustCompile(`(?s)<(secretKey|otherSecret)>.*?</`)

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	at := strings.Index(r.URL.Path, "/domain/")
	if at < 0 {
		w.WriteHeader(404)
		return
	}
	domain, rest, _ := strings.Cut(r.URL.Path[at+len("/domain/"):], "/")
	store := s.stores[r.URL.Path[:at]+"/domain/"+domain]
	id, page, _ := strings.Cut(strings.TrimPrefix(rest, "credential/"), "/")
	_, there := store[id]
	switch {
	case store == nil:
		w.WriteHeader(404)
	case rest == "api/json":
		s.allowed(w, "View", func() { fmt.Fprint(w, `{"_class":"DomainWrapper","urlName":"_"}`) })
	case rest == "newCredentials" && !s.noForms:
		s.allowed(w, "Create", func() { fmt.Fprint(w, "<html>") })
	case rest == "createCredentials" && r.Method == http.MethodPost:
		s.allowed(w, "Create", func() { s.create(w, store, r, body) })
	case !there:
		w.WriteHeader(404)
	case page == "update" && !s.noForms:
		s.allowed(w, "Update", func() { fmt.Fprint(w, "<html>") })
	case page == "config.xml" && r.Method == http.MethodGet:
		s.allowed(w, "View", func() { s.show(w, store[id]) })
	case page == "config.xml" && r.Method == http.MethodPost:
		s.allowed(w, "Update", func() { s.update(w, store, id, r, body) })
	default:
		w.WriteHeader(404)
	}
}

func (s *server) allowed(w http.ResponseWriter, permission string, f func()) {
	for _, l := range s.lacks {
		if l == permission {
			w.WriteHeader(403)
			fmt.Fprint(w, "<html>robot is missing the permission</html>")
			return
		}
	}
	f()
}

// show redacts secrets.
func (s *server) show(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/xml")
	text = secretField.ReplaceAllString(text, "<$1>\n      <secret-redacted/>\n    </")
	if !s.latin {
		fmt.Fprint(w, text)
		return
	}
	fmt.Fprint(w, "<?xml version='1.1' encoding='ISO-8859-1'?>\n")
	for _, c := range text {
		_, _ = w.Write([]byte{byte(c)})
	}
}

// read is how Jenkins takes an object.
func read(w http.ResponseWriter, r *http.Request, body []byte) (id string, ok bool) {
	var in struct {
		XMLName xml.Name
		ID      string `xml:"id"`
	}
	switch {
	case r.Header.Get("Content-Type") != "application/xml; charset=utf-8":
		w.WriteHeader(400)
	case xml.Unmarshal(body, &in) != nil || in.XMLName.Local != class:
		w.WriteHeader(500)
	default:
		return in.ID, true
	}
	return "", false
}

func (s *server) create(w http.ResponseWriter, store map[string]string, r *http.Request, body []byte) {
	id, ok := read(w, r, body)
	if _, there := store[id]; ok && there {
		w.WriteHeader(409)
	} else if ok {
		store[id] = string(body)
	}
}

// update replaces the whole object, and says yes also when it does not.
func (s *server) update(w http.ResponseWriter, store map[string]string, id string, r *http.Request, body []byte) {
	in, ok := read(w, r, body)
	if s.deaf > 0 {
		s.deaf--
		return
	}
	if ok && in == id {
		store[id] = string(body) // a <secret-redacted/> in it is now the secret
	}
}

// field is a text in the XML of a credential.
func field(text, name string) string {
	_, rest, _ := strings.Cut(text, "<"+name+">")
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

func (s *server) look(store, id string) (text string) {
	s.Change(func() { text = s.stores[store][id] })
	return text
}

// target is the destination that the suite works on.
func (s *server) target(cfg *Config) sinktest.Target {
	store, _ := url.PathUnescape(cfg.store())
	t := s.Target(cfg, sinks.DefaultVariables, "", token)
	t.Order = nil // one request
	t.Read = func(sinktest.T) sinktest.Pair {
		text := s.look(store, cfg.ID)
		return sinktest.Pair{ID: field(text, "accessKey"), Secret: field(text, "secretKey")}
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.Change(func() { s.stores[store][cfg.ID] = credential("by hand", cfg.ID, p.ID, p.Secret) })
	}
	t.Others = func(sinktest.T) string {
		text := s.look(store, cfg.ID)
		return field(text, "iamRoleArn") + field(text, "stsTokenDuration") + s.look(systemStore, "github")
	}
	return t
}

func (s *server) config(t sinktest.T) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.User, cfg.Token, cfg.ID = s.URL, "robot", varstest.File(t, token), "aws-ci"
	return cfg
}
