// Package varstest is what the models of stores share that take one request for each variable: variables with a
// clock of their own, the faults of package sinktest, and a log of writes. A kind's test brings the routes:
//
//	var s *varstest.Server
//	s = varstest.New(t, varstest.Model{
//		Authorized: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token },
//		Written: func(r *http.Request, _ []byte) string { // the variable that a request writes or removes; "" if it does neither
//			if r.Method == "GET" { return "" }
//			return path.Base(r.URL.Path)
//		},
//		Serve: func(w http.ResponseWriter, r *http.Request, body []byte) { // only one at a time
//			... s.Vars[name] ... s.Put(name, varstest.Var{Value: in.Value}) ... s.Remove(name) ...
//		},
//	})
//	return s.Target(cfg, cfg.Variables, cfg.Bundle, token)
package varstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

// Model is what is different in each store.
type Model struct {
	Serve      func(w http.ResponseWriter, r *http.Request, body []byte)
	Written    func(r *http.Request, body []byte) string
	Authorized func(r *http.Request) bool

	// Denied answers who is not authorized (nil: 401), Missing what is asked of a place that is not there (nil: 404).
	Denied  func(w http.ResponseWriter)
	Missing func(w http.ResponseWriter)
	// Place says whether a request needs the place; nil: all do.
	Place func(r *http.Request) bool
}

// Var is a variable as the store holds it.
type Var struct {
	ID      string
	Value   string
	Note    string
	Created time.Time
	At      time.Time
	Version int
	Data    any // whatever else the kind keeps: scope, flags
}

// Server is a store that listens. Its exported fields may be used by Serve, and by a test between requests.
type Server struct {
	*httptest.Server
	// Vars are by name, as Written gives it.
	Vars map[string]Var
	// Requests are method and path of each.
	Requests []string
	// Before, if set, sees each request first, with the server locked. It may change variables, as somebody else would, and
	// answers the request itself if it returns true.
	Before func(w http.ResponseWriter, r *http.Request, body []byte) bool

	model  Model
	mu     sync.Mutex
	now    time.Time
	ids    int
	fault  sinktest.Fault
	healed chan struct{}
	last   string // the variable that a push writes last
	order  []string
	roles  map[string]string
}

// New starts a store, which ends with the test.
func New(t sinktest.T, m Model) *Server {
	s := &Server{Vars: map[string]Var{}, model: m, now: time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// Now is the store's clock: it goes on by a second with each request, and with each write from outside.
func (s *Server) Now() time.Time { return s.now }

// Put makes v the variable name, with a new time and version, and gives it an id if it has none.
func (s *Server) Put(name string, v Var) Var {
	old, ok := s.Vars[name]
	v.ID, v.Created, v.At, v.Version = old.ID, old.Created, s.now, old.Version+1
	if !ok {
		s.ids++
		v.ID, v.Created = strconv.Itoa(1000+s.ids), s.now
	}
	s.Vars[name] = v
	return v
}

// Remove is the end of a variable.
func (s *Server) Remove(name string) { delete(s.Vars, name) }

// Change is somebody else at work.
func (s *Server) Change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	f()
}

// Made counts the requests that begin so.
func (s *Server) Made(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.Requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	fault, healed := s.fault, s.healed
	s.mu.Unlock()
	if fault == sinktest.Hang {
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	w.Header().Set("Date", s.now.Format(http.TimeFormat))
	s.Requests = append(s.Requests, r.Method+" "+r.URL.EscapedPath())
	if s.Before != nil && s.Before(w, r, body) {
		return
	}
	s.faulty(w, r, body)
}

// faulty answers as the fault wants.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, body []byte) {
	written := s.model.Written(r, body)
	switch {
	case s.fault == sinktest.Unreachable:
		panic(http.ErrAbortHandler)
	case s.fault == sinktest.Denied || !s.model.Authorized(r):
		answer(w, s.model.Denied, http.StatusUnauthorized)
	case s.fault == sinktest.Missing && (s.model.Place == nil || s.model.Place(r)):
		answer(w, s.model.Missing, http.StatusNotFound)
	case s.fault == sinktest.FailBefore && written != "" && written == s.last:
		w.WriteHeader(http.StatusInternalServerError)
	case s.fault == sinktest.FailAfter && written != "":
		s.apply(httptest.NewRecorder(), r, body, written)
		panic(http.ErrAbortHandler)
	default:
		s.apply(w, r, body, written)
	}
}

func answer(w http.ResponseWriter, f func(http.ResponseWriter), status int) {
	if f != nil {
		f(w)
		return
	}
	w.WriteHeader(status)
}

// apply serves the request and keeps what it changed.
func (s *Server) apply(w http.ResponseWriter, r *http.Request, body []byte, written string) {
	before := s.Vars[written].Version
	s.model.Serve(w, r, body)
	if written != "" && s.Vars[written].Version != before {
		s.order = append(s.order, s.roles[written])
	}
}

func (s *Server) breaks(f sinktest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.healed != nil {
		close(s.healed)
		s.healed = nil
	}
	if s.fault = f; f == sinktest.Hang {
		s.healed = make(chan struct{})
	}
}

// Target is the destination with the variables v, or the bundle, for the suite. What lies there already are its neighbours. secrets
// are the sink's own.
func (s *Server) Target(cfg sinks.Config, v sinks.Variables, bundle string, secrets ...string) sinktest.Target {
	s.last = v.AccessKeyID
	s.roles = map[string]string{v.AccessKeyID: sinktest.ID, v.SecretAccessKey: sinktest.Secret, v.SessionToken: sinktest.Session}
	t := sinktest.Target{
		Config: cfg, Secrets: secrets, Others: func(sinktest.T) string { return s.others(v, bundle) },
		Break: func(_ sinktest.T, f sinktest.Fault) { s.breaks(f) }, Heal: func(sinktest.T) { s.breaks("") },
	}
	if bundle != "" {
		s.last = bundle
		t.Read = func(sinktest.T) sinktest.Pair { return unbundle(s.value(bundle)) }
		t.Write = func(_ sinktest.T, p sinktest.Pair) { s.Change(func() { s.set(bundle, bundled(p)) }) }
		return t
	}
	t.Order = func(sinktest.T) []string {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Clone(s.order)
	}
	t.Read = func(sinktest.T) sinktest.Pair {
		return sinktest.Pair{ID: s.value(v.AccessKeyID), Secret: s.value(v.SecretAccessKey), SessionToken: s.value(v.SessionToken)}
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.Change(func() {
			s.set(v.SecretAccessKey, p.Secret)
			s.set(v.AccessKeyID, p.ID)
			s.Remove(v.SessionToken)
			if p.SessionToken != "" {
				s.set(v.SessionToken, p.SessionToken)
			}
		})
	}
	return t
}

// set is a write of somebody else: it keeps what the variable has besides its value, a marker excepted.
func (s *Server) set(name, value string) {
	v := s.Vars[name]
	v.Value = value
	if strings.Contains(v.Note, "keyturn key=") {
		v.Note = ""
	}
	s.Put(name, v)
}

func (s *Server) value(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Vars[name].Value
}

// others is every variable that a push must leave alone, with all that is known of it. What a push must keep of the
// pair's own variables is for the kind's tests.
func (s *Server) others(v sinks.Variables, bundle string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken}
	if bundle != "" {
		own = []string{bundle}
	}
	rest := map[string]Var{}
	for name, v := range s.Vars {
		if !slices.Contains(own, name) {
			rest[name] = v
		}
	}
	text, err := json.Marshal(rest)
	return fmt.Sprintf("%s %v", text, err)
}

// bundled is a credentials file that somebody wrote.
func bundled(p sinktest.Pair) string {
	text := "[default]\naws_access_key_id=" + p.ID + "\naws_secret_access_key=" + p.Secret + "\n"
	if p.SessionToken != "" {
		text += "aws_session_token=" + p.SessionToken + "\n"
	}
	return text
}

func unbundle(file string) (p sinktest.Pair) {
	for line := range strings.Lines(file) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
		case "aws_access_key_id":
			p.ID = value
		case "aws_secret_access_key":
			p.Secret = value
		case "aws_session_token":
			p.SessionToken = value
		}
	}
	return p
}
