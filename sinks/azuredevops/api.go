package azuredevops

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Sources: "Variablegroups" and "Endpoints" of the Azure DevOps REST API, version 7.1.

// answer is an object as it was read.
type answer struct {
	fields fields
	at     time.Time // Azure DevOps' clock
}

// escapedBase is the address of the organization, whose name may hold blanks.
func escapedBase(cfg *Config) string {
	return strings.TrimRight(cfg.URL, "/") + "/" + url.PathEscape(cfg.Organization)
}

// noSignIn asks for a refusal in place of a redirect to a page for people.
func noSignIn(_ context.Context, h http.Header) error {
	h.Set("X-TFS-FedAuthRedirect", "Suppress")
	return nil
}

func (s *sink) read(ctx context.Context) (answer, error) {
	return s.call(ctx, "read", http.MethodGet, s.object.path(), nil)
}

// write replaces the object. It may be repeated.
func (s *sink) write(ctx context.Context, next fields) (answer, error) {
	return s.call(ctx, "write", http.MethodPut, s.object.target(), next)
}

// call makes a request about the object and reads it in the answer.
func (s *sink) call(ctx context.Context, verb, method, path string, body fields) (answer, error) {
	op := "azure-devops: " + verb + " " + s.cfg.name()
	r := httpapi.Request{Op: op, Method: method, Path: path, Query: url.Values{"api-version": {"7.1"}}, Explain: explain(op)}
	if body != nil {
		r.Body = body
	}
	var got fields
	at, err := s.do(ctx, r, &got)
	if err != nil {
		return answer{}, err
	}
	if len(got["id"]) == 0 || string(got["id"]) == "0" || string(got["id"]) == "null" {
		return answer{}, errMissing(op) // what does not exist is answered with 200 and null
	}
	return answer{fields: got, at: at}, nil
}

// do makes a request. Who is not signed in may get a page for people, with a status that says success.
func (s *sink) do(ctx context.Context, r httpapi.Request, out any) (time.Time, error) {
	var raw []byte
	resp, err := s.api.Do(ctx, r, &raw)
	if err == nil && resp.Status == http.StatusNonAuthoritativeInfo {
		s.forget(ctx)
		resp, err = s.api.Do(ctx, r, &raw)
	}
	if err != nil {
		return time.Time{}, err
	}
	if resp.Status == http.StatusNonAuthoritativeInfo {
		return time.Time{}, sinks.Errorf(sinks.Denied, r.Op, "the token is not valid")
	}
	if json.Unmarshal(raw, out) != nil {
		return time.Time{}, sinks.Errorf(sinks.Temporary, r.Op, "the answer is not the JSON that was expected")
	}
	return resp.Date, nil
}

// forget makes the next request read the token again: somebody may have renewed it.
func (s *sink) forget(ctx context.Context) {
	used := http.Header{}
	if s.auth.Authenticate(ctx, used) == nil {
		s.auth.Forget(used)
	}
}

func errMissing(op string) error {
	return sinks.Errorf(sinks.Missing, op, "it does not exist, or the token may not see it")
}

// explain says what a status means here.
func explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		switch status {
		case http.StatusNotFound:
			return errMissing(op)
		case http.StatusBadRequest:
			return sinks.Errorf(sinks.Refused, op, "Azure DevOps does not accept it")
		}
		return nil
	}
}

// text is a field that is a JSON string; "" if it is none.
func (f fields) text(name string) (text string) {
	_ = json.Unmarshal(f[name], &text)
	return text
}

// below is a field that is an object; nil if it is none.
func (f fields) below(name string) (inner fields) {
	_ = json.Unmarshal(f[name], &inner)
	return inner
}

// set is f with another field; f stays as it is.
func (f fields) set(name string, value any) fields {
	out := maps.Clone(f)
	if out == nil {
		out = fields{}
	}
	out[name], _ = json.Marshal(value) // of maps and texts: cannot fail
	return out
}
