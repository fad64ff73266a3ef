package vars_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/vars"
	"keyturn/sinks/internal/varstest"
)

const (
	idName     = "AWS_ACCESS_KEY_ID"
	secretName = "AWS_SECRET_ACCESS_KEY"
	session    = "AWS_SESSION_TOKEN"
)

func credential(id, value string) sinks.Credential {
	return sinks.Credential{KeyID: sinks.KeyID(id), Secret: secret.FromString(value)}
}

var (
	old   = credential("AKIAOLDOLDOLD1", "old/+secret-1111")
	fresh = credential("AKIANEWNEWNEW2", "new/+secret-2222")
)

// opened is a sink of a fresh store.
func opened(t *testing.T, sh shows, bundle string) (*varstest.Server, sinks.Sink) {
	t.Helper()
	s := newAcme(t, sh)
	return s, reopened(t, s, sh, bundle)
}

func reopened(t *testing.T, s *varstest.Server, sh shows, bundle string) sinks.Sink {
	t.Helper()
	spec := acme(sh, sinks.Exact)
	cfg := newConfig(t, s, spec)
	cfg.Bundle = bundle
	sink, err := spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func push(t *testing.T, s sinks.Sink, cred sinks.Credential) sinks.Receipt {
	t.Helper()
	r, err := s.Push(t.Context(), cred)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// writes are the requests that change something, by method and name.
func writes(s *varstest.Server) (out []string) {
	for _, r := range s.Requests {
		if method, at, _ := strings.Cut(r, " "); method != http.MethodGet {
			out = append(out, method+" "+path.Base(at))
		}
	}
	return out
}

// between stops every write of the key id, for good, after that of the secret.
func between(status int) func(http.ResponseWriter, *http.Request, []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		stop := r.Method == http.MethodPut && path.Base(r.URL.Path) == idName
		if stop {
			w.WriteHeader(status)
		}
		return stop
	}
}

func TestTheOrderOfWrites(t *testing.T) {
	s, sink := opened(t, shows{times: true}, "")
	s.Put(session, varstest.Var{Value: "stale"})
	push(t, sink, fresh)
	if got, want := writes(s), []string{"DELETE " + session, "PUT " + secretName, "PUT " + idName}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s, sink = opened(t, shows{times: true}, "AWS_CREDENTIALS")
	s.Put(session, varstest.Var{Value: "a neighbour of the bundle"})
	push(t, sink, fresh)
	if got, want := writes(s), []string{"PUT AWS_CREDENTIALS"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := s.Vars["AWS_CREDENTIALS"].Value, "[default]\naws_access_key_id = AKIANEWNEWNEW2\naws_secret_access_key = new/+secret-2222\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A fault between the two writes: the error says what is there, nobody takes it for a pair, and the next push heals it.
func TestAFaultBetweenTheWritesIsSeenAndHealed(t *testing.T) {
	for name, sh := range map[string]shows{
		"values": {values: true}, "ends": {tails: true}, "times": {times: true}, "versions": {versions: true}, "notes": {notes: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, sh, "")
			before := push(t, sink, old)
			s.Before = between(http.StatusForbidden)
			_, err := sink.Push(t.Context(), fresh)
			want := "acme: write AWS_ACCESS_KEY_ID: 403 Forbidden (half done: AWS_SECRET_ACCESS_KEY is written, AWS_ACCESS_KEY_ID is not known to be)"
			if err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Denied {
				t.Errorf("%v, want %s", err, want)
			}
			s.Before = nil
			sink = reopened(t, s, sh, "")
			if _, err := sink.Verify(t.Context(), old, "", before); sinks.ClassOf(err) != sinks.Stale {
				t.Errorf("the former pair: %v", err)
			}
			if _, err := sink.Verify(t.Context(), fresh, old.KeyID, sinks.Receipt{}); err == nil {
				t.Error("half of the new pair is taken for all of it")
			}
			after := push(t, sink, fresh)
			if _, err := sink.Verify(t.Context(), fresh, old.KeyID, after); err != nil || s.Vars[idName].Value != string(fresh.KeyID) {
				t.Errorf("healed: %v", err)
			}
		})
	}
}

// A fault that passes is not even noticed: the write is made again, and the secret is not.
func TestAFaultThatPassesIsRiddenOut(t *testing.T) {
	s, sink := opened(t, shows{times: true}, "")
	stop := between(http.StatusServiceUnavailable)
	left := 2
	s.Before = func(w http.ResponseWriter, r *http.Request, b []byte) bool {
		if left == 0 || !stop(w, r, b) {
			return false
		}
		left--
		return true
	}
	push(t, sink, fresh)
	if got, want := writes(s), []string{"PUT " + secretName, "PUT " + idName, "PUT " + idName, "PUT " + idName}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAHalfDonePushIsReported(t *testing.T) {
	s, sink := opened(t, shows{values: true, notes: true}, "")
	push(t, sink, old)
	s.Before = between(http.StatusForbidden)
	if _, err := sink.Push(t.Context(), fresh); err == nil {
		t.Error("a push that failed succeeded")
	}
	s.Before = nil
	w, err := sink.Check(t.Context())
	want := []sinks.Warning{"acme: a push was done half: AWS_SECRET_ACCESS_KEY belongs to another key than AWS_ACCESS_KEY_ID"}
	if err != nil || !reflect.DeepEqual(w, want) {
		t.Errorf("%q, %v", w, err)
	}
	_, err = sink.(sinks.Reader).Serving(t.Context())
	if err == nil || err.Error() != "acme: look at AWS_ACCESS_KEY_ID: a push was done half: the secret beside it belongs to another key" {
		t.Error(err)
	}
}

// Somebody else created the variable meanwhile: everything is looked at again.
func TestAConflictStartsOver(t *testing.T) {
	s, sink := opened(t, shows{times: true}, "")
	conflicts := 1
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method != http.MethodPut || conflicts == 0 {
			return false
		}
		conflicts--
		w.WriteHeader(http.StatusConflict)
		return true
	}
	push(t, sink, fresh)
	if got := s.Made("GET"); got != 3 {
		t.Errorf("%d looks, want one, another after the conflict, and one at the end", got)
	}
}

func TestWhatIsThereIsNotWrittenAgain(t *testing.T) {
	s, sink := opened(t, shows{values: true}, "")
	push(t, sink, fresh)
	push(t, sink, fresh)
	if got := len(writes(s)); got != 2 {
		t.Errorf("%d writes", got)
	}
	s.Put(session, varstest.Var{Value: "stale"})
	push(t, sink, fresh)
	if _, there := s.Vars[session]; there {
		t.Error("the session token is still there")
	}
}

// A store that answers yes and shows no change is not believed.
func TestAWriteThatDidNotHappenIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		shows shows
		there bool
		want  string
	}{
		"a variable that is not there": {shows{}, false, "acme: look at what was written: AWS_SECRET_ACCESS_KEY is not there"},
		"a time that did not move":     {shows{times: true}, true, "acme: look at what was written: AWS_SECRET_ACCESS_KEY shows no change since it was written"},
		"an end that is another":       {shows{tails: true}, true, "acme: look at what was written: AWS_SECRET_ACCESS_KEY shows another end than was written"},
		"a marker that is another":     {shows{notes: true}, true, "acme: look at what was written: AWS_SECRET_ACCESS_KEY shows another marker than was written"},
		"a value that is another":      {shows{values: true}, true, "acme: look at what was written: AWS_SECRET_ACCESS_KEY shows another value than was written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, sink := opened(t, c.shows, "")
			if c.there {
				s.Put(secretName, varstest.Var{Value: "before", Note: "keyturn key=OLD1 at=2026-01-01T00:00:00Z"})
			}
			s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool { return r.Method == http.MethodPut }
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_, err := sink.Push(ctx, fresh)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != sinks.Temporary {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// A replica that lags is waited for.
func TestALaggingReplicaIsWaitedFor(t *testing.T) {
	s, sink := opened(t, shows{times: true}, "")
	push(t, sink, old)
	lag := 2
	var past map[string]varstest.Var
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPut && past == nil {
			past = map[string]varstest.Var{idName: s.Vars[idName], secretName: s.Vars[secretName]}
		}
		if r.Method != http.MethodGet || past == nil || lag == 0 {
			return false
		}
		lag--
		var list []shown
		for name, v := range past {
			list = append(list, shows{times: true}.of(name, v))
		}
		_ = json.NewEncoder(w).Encode(list)
		return true
	}
	r := push(t, sink, fresh)
	lag = 2
	if e, err := sink.Verify(t.Context(), fresh, old.KeyID, r); e != sinks.Stamped || err != nil || lag != 0 {
		t.Errorf("%v, %v", e, err)
	}
}

// Two sinks of one place write one after the other, if they share their host's turns.
func TestWritesToOnePlaceWaitForEachOther(t *testing.T) {
	s := newAcme(t, shows{times: true})
	spec := acme(shows{times: true}, sinks.Stamped)
	env := sinks.Env{Serials: &sinks.Serials{}}
	var wg sync.WaitGroup
	for _, cred := range []sinks.Credential{old, fresh} {
		sink, err := spec.Open(t.Context(), newConfig(t, s, spec), env)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { push(t, sink, cred) })
	}
	wg.Wait()
	pairs := map[string]string{string(old.KeyID): old.Secret.Reveal(), string(fresh.KeyID): fresh.Secret.Reveal()}
	if got := writes(s); !slices.Equal(got, []string{"PUT " + secretName, "PUT " + idName, "PUT " + secretName, "PUT " + idName}) {
		t.Errorf("%q", got)
	}
	if pairs[s.Vars[idName].Value] != s.Vars[secretName].Value {
		t.Error("a mixed pair is left")
	}
}

func TestAMarkerLeavesWhatAPersonWrote(t *testing.T) {
	s, sink := opened(t, shows{notes: true}, "")
	s.Put(idName, varstest.Var{Value: "x", Note: "deploys; ask Ann"})
	s.Put(secretName, varstest.Var{Value: "x", Note: strings.Repeat("long ", 19)})
	r := push(t, sink, old)
	push(t, sink, fresh)
	note := s.Vars[idName].Note
	if !strings.HasPrefix(note, "deploys; ask Ann | keyturn key=NEW2 at=2026-11-03T10:") || strings.Count(note, "keyturn") != 1 {
		t.Errorf("%q", note)
	}
	if note := s.Vars[secretName].Note; note != strings.Repeat("long ", 19) {
		t.Errorf("a note without room: %q", note)
	}
	if _, err := sink.Verify(t.Context(), old, "", r); sinks.ClassOf(err) != sinks.Stale {
		t.Error(err)
	}
}

// A note that was too long for a marker leaves nothing but the store's yes.
func TestNoRoomForAMarkerIsWeakEvidence(t *testing.T) {
	s, sink := opened(t, shows{notes: true}, "")
	s.Put(secretName, varstest.Var{Value: "x", Note: strings.Repeat("long ", 19)})
	r := push(t, sink, fresh)
	if e, err := sink.Verify(t.Context(), fresh, old.KeyID, r); e != sinks.Accepted || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestABundleWithMoreInItIsLeftAlone(t *testing.T) {
	const more = "[default]\naws_access_key_id = A\naws_secret_access_key = B\n\n[other]\nregion = x\n"
	s, sink := opened(t, shows{values: true}, "AWS_CREDENTIALS")
	s.Put("AWS_CREDENTIALS", varstest.Var{Value: more})
	want := "acme: look at AWS_CREDENTIALS: it holds more than a default profile, which a push would overwrite"
	if _, err := sink.Check(t.Context()); err == nil || err.Error() != want {
		t.Errorf("check: %v", err)
	}
	if _, err := sink.Push(t.Context(), fresh); err == nil || err.Error() != want || s.Vars["AWS_CREDENTIALS"].Value != more {
		t.Errorf("push: %v", err)
	}
	if _, err := sink.(sinks.Reader).Serving(t.Context()); err == nil {
		t.Error("serving says something")
	}
}

func TestWarningsOfTheEngine(t *testing.T) {
	s, sink := opened(t, shows{}, "")
	s.Put(session, varstest.Var{Value: "stale"})
	w, err := sink.Check(t.Context())
	want := []sinks.Warning{"acme: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it"}
	if err != nil || !reflect.DeepEqual(w, want) {
		t.Errorf("%q, %v", w, err)
	}
}

func TestShadowed(t *testing.T) {
	names := []string{secretName, idName, session}
	for name, c := range map[string]struct {
		own  []string
		want []sinks.Warning
	}{
		"nothing":  {[]string{"OTHER"}, nil},
		"one":      {[]string{"OTHER", "aws_access_key_id"}, []sinks.Warning{"acme: AWS_ACCESS_KEY_ID has a value of its own in project p: what is written here is not what is read there"}},
		"them all": {names, []sinks.Warning{"acme: AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN have values of their own in project p: what is written here is not what is read there"}},
	} {
		if got := vars.Shadowed("acme", names, c.own, "project p"); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
