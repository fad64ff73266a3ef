package vars_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"keyturn/sinks"
	"keyturn/sinks/internal/vars"
	"keyturn/sinks/internal/varstest"
)

// An end that the former key has too proves nothing.
func TestEqualEndsProveNothing(t *testing.T) {
	twin := credential("AKIATWINNEW2", "other/+secret-3333") // ends as fresh does
	s, sink := opened(t, shows{tails: true, times: true}, "")
	r := push(t, sink, fresh)
	if e, err := sink.Verify(t.Context(), fresh, old.KeyID, r); e != sinks.Partial || err != nil {
		t.Errorf("another former key: %v, %v", e, err)
	}
	only := onlyIDs(t, s)
	r = push(t, only, fresh)
	if e, err := only.Verify(t.Context(), fresh, twin.KeyID, r); e != sinks.Stamped || err != nil {
		t.Errorf("a former key that ends alike: %v, %v", e, err)
	}
}

// onlyIDs is a sink of a store that shows the end of the key id, and times.
func onlyIDs(t *testing.T, s *varstest.Server) sinks.Sink {
	t.Helper()
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method != http.MethodGet {
			return false
		}
		var list []shown
		for name, v := range s.Vars {
			list = append(list, shows{tails: name == idName, times: true}.of(name, v))
		}
		_ = json.NewEncoder(w).Encode(list)
		return true
	}
	return reopened(t, s, shows{tails: true, times: true}, "")
}

// What lay there before ended as the new key does, beside a secret that did not: the end proves nothing, whoever served it.
func TestAnEndThatWasThereBeforeProvesNothing(t *testing.T) {
	s, sink := opened(t, shows{tails: true, times: true}, "")
	s.Put(idName, varstest.Var{Value: "AKIATWINNEW2"})
	s.Put(secretName, varstest.Var{Value: "other-3333"})
	r := push(t, sink, fresh)
	if !strings.Contains(string(r.Data), `"coincides":true`) {
		t.Errorf("receipt %s", r.Data)
	}
	r = push(t, sink, fresh) // again: now it is our own that lies there
	if strings.Contains(string(r.Data), "coincides") {
		t.Errorf("receipt %s", r.Data)
	}
}

func TestVerify(t *testing.T) {
	change := func(name, value string) func(*varstest.Server) {
		return func(s *varstest.Server) {
			s.Change(func() { v := s.Vars[name]; v.Value = value; s.Put(name, v) })
		}
	}
	for name, c := range map[string]struct {
		shows    shows
		change   func(*varstest.Server)
		evidence sinks.Evidence
		class    sinks.Class
		want     string
	}{
		"values":                       {shows{values: true}, nil, sinks.Exact, 0, ""},
		"ends":                         {shows{tails: true}, nil, sinks.Partial, 0, ""},
		"times":                        {shows{times: true}, nil, sinks.Stamped, 0, ""},
		"nothing":                      {shows{}, nil, sinks.Accepted, 0, ""},
		"values and another neighbour": {shows{values: true, times: true}, change("REGION", "x"), sinks.Exact, 0, ""},
		"a variable that is gone": {
			shows{}, func(s *varstest.Server) { s.Change(func() { s.Remove(secretName) }) },
			sinks.None, sinks.Stale, "acme: verify: AWS_SECRET_ACCESS_KEY is not there",
		},
		"a session token": {
			shows{}, change(session, "stale"), sinks.None, sinks.Stale, "acme: verify: AWS_SESSION_TOKEN lies beside the key",
		},
		"another value": {
			shows{values: true}, change(secretName, "x"), sinks.None, sinks.Stale, "acme: verify: AWS_SECRET_ACCESS_KEY holds another value",
		},
		"another end": {
			shows{tails: true}, change(idName, "AKIAOTHER"), sinks.None, sinks.Stale, "acme: verify: AWS_ACCESS_KEY_ID ends otherwise than what was written",
		},
		"another time": {
			shows{times: true}, change(idName, string(fresh.KeyID)), sinks.None, sinks.Stale, "acme: verify: AWS_ACCESS_KEY_ID was changed since it was written",
		},
		"another marker": {
			shows{notes: true}, func(s *varstest.Server) {
				s.Change(func() { s.Put(idName, varstest.Var{Note: "keyturn key=ABCD at=2020-01-01T00:00:00Z"}) })
			}, sinks.None, sinks.Stale, "acme: verify: AWS_ACCESS_KEY_ID has another marker than was written",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, c.shows, "")
			r := push(t, sink, fresh)
			if c.change != nil {
				c.change(s)
			}
			e, err := sink.Verify(t.Context(), fresh, old.KeyID, r)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if e != c.evidence || text != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v, %v: %v, want %v, %v: %s", e, sinks.ClassOf(err), err, c.evidence, c.class, c.want)
			}
		})
	}
}

// A receipt of another key, or of another kind, says nothing.
func TestAReceiptOfAnotherKeyIsNoEvidence(t *testing.T) {
	_, sink := opened(t, shows{times: true}, "")
	push(t, sink, old)
	r := push(t, sink, fresh)
	for name, r := range map[string]sinks.Receipt{"of another key": r, "none": {}, "no JSON": {Data: []byte("x")}, "another kind's": {Data: []byte(`{"key":7}`)}} {
		_, err := sink.Verify(t.Context(), old, "", r)
		if sinks.ClassOf(err) != sinks.Unclassified || err == nil || err.Error() != "acme: verify: nothing that the store shows says which pair it serves" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The receipt outlives a version: its form is fixed.
func TestTheFormOfAReceipt(t *testing.T) {
	_, sink := opened(t, shows{times: true, notes: true}, "")
	r := push(t, sink, fresh)
	got, err := json.Marshal(r)
	want := `{"stamp":"2026-11-03T10:00:03Z","at":"2026-11-03T10:00:01Z","data":{"key":"AKIANEWNEWNEW2","left":{` +
		`"AWS_ACCESS_KEY_ID":{"stamp":"2026-11-03T10:00:03Z","at":"2026-11-03T10:00:03Z","marker":"keyturn key=NEW2 at=2026-11-03T10:00:01Z"},` +
		`"AWS_SECRET_ACCESS_KEY":{"stamp":"2026-11-03T10:00:02Z","at":"2026-11-03T10:00:02Z","marker":"keyturn key=NEW2 at=2026-11-03T10:00:01Z"}}}}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
}

func TestServing(t *testing.T) {
	for name, c := range map[string]struct {
		bundle string
		vars   map[string]string
		want   sinks.KeyID
	}{
		"nothing":             {"", nil, ""},
		"a pair":              {"", map[string]string{idName: "AKIA1", secretName: "s"}, "AKIA1"},
		"no bundle":           {"B", map[string]string{idName: "AKIA1"}, ""},
		"a bundle":            {"B", map[string]string{"B": "\n[default]\naws_access_key_id=AKIA2\naws_secret_access_key = s\n"}, "AKIA2"},
		"a bundle without id": {"B", map[string]string{"B": "[default]\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, shows{values: true}, c.bundle)
			for name, value := range c.vars {
				s.Put(name, varstest.Var{Value: value})
			}
			if id, err := sink.(sinks.Reader).Serving(t.Context()); id != c.want || err != nil {
				t.Errorf("%q, %v", id, err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	v := sinks.DefaultVariables
	for name, c := range map[string]struct {
		rule   vars.Rule
		change func(*sinks.Variables)
		bundle string
		want   []string
	}{
		"good ones":  {vars.Rule{}, func(*sinks.Variables) {}, "B", nil},
		"too long":   {vars.Rule{Max: 20}, func(*sinks.Variables) {}, "", []string{"variables.secret_access_key: is too long"}},
		"reserved":   {vars.Rule{Reserved: []string{"bk"}}, func(v *sinks.Variables) { v.AccessKeyID = "BK_ID" }, "bkbk", []string{"variables.access_key_id: must not start with bk", "bundle: must not start with bk"}},
		"odd":        {vars.Rule{}, func(v *sinks.Variables) { v.SessionToken = "a-b" }, "", []string{"variables.session_token: must have only letters, digits and _, and not start with a digit"}},
		"empty, too": {vars.Rule{}, func(v *sinks.Variables) { v.SessionToken = "" }, "", []string{"variables: access_key_id, secret_access_key and session_token must not be empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := v
			c.change(&v)
			var got []string
			if err := c.rule.Validate(v, c.bundle); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
