package github

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// description is what GitHub itself says of its API. Requests that it does not allow are remembered, and so are
// answers of the model.
type description struct {
	routes routers.Router
	mu     sync.Mutex
	faults []string
}

const (
	ofGitHub = "api.github.com"
	ofServer = "ghes-3.19"
)

// documents are read once: each takes a moment.
var documents = map[string]func() (*openapi3.T, error){ofGitHub: load(ofGitHub), ofServer: load(ofServer)}

func load(name string) func() (*openapi3.T, error) {
	return sync.OnceValues(func() (*openapi3.T, error) {
		return openapi3.NewLoader().LoadFromFile(filepath.Join("testdata", "openapi", name+".json"))
	})
}

// describe reads a description; what it does not allow fails the test at its end.
func describe(t *testing.T, name string) *description {
	t.Helper()
	document, err := documents[name]()
	if err != nil {
		t.Fatal(err)
	}
	routes, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	d := &description{routes: routes}
	t.Cleanup(func() {
		for _, f := range d.faults {
			t.Errorf("not as GitHub's description has it: %s", f)
		}
	})
	return d
}

func (d *description) fault(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// around answers with serve, and looks at request and answer.
func (d *description) around(w http.ResponseWriter, r *http.Request, body []byte, serve func(http.ResponseWriter)) {
	input, err := d.request(r, body)
	if err != nil {
		d.fault("%s %s: %v", r.Method, r.URL.Path, err)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	rec := httptest.NewRecorder()
	serve(rec)
	if rec.Code < 300 {
		if err := d.answer(input, rec); err != nil {
			d.fault("answer to %s %s: %v", r.Method, r.URL.Path, err)
		}
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (d *description) request(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	at := r.Clone(r.Context())
	at.Body = http.NoBody
	if len(body) > 0 {
		at.Body = readCloser{bytes.NewReader(body)}
	}
	route, params, err := d.routes.FindRoute(at)
	if err != nil {
		return nil, err
	}
	if err := described(route, r, body); err != nil {
		return nil, err
	}
	input := &openapi3filter.RequestValidationInput{
		Request: at, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	return input, openapi3filter.ValidateRequest(r.Context(), input)
}

// described says whether every parameter and every field is one that the description names: the validator lets others pass.
func described(route *routers.Route, r *http.Request, body []byte) error {
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("query parameter %s is not described", name)
		}
	}
	if len(body) == 0 {
		return nil
	}
	if route.Operation.RequestBody == nil {
		return fmt.Errorf("no body is described")
	}
	schema := route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
	for name := range fieldsOf(body) {
		if schema.Properties[name] == nil {
			return fmt.Errorf("field %s is not described", name)
		}
	}
	return nil
}

func (d *description) answer(input *openapi3filter.RequestValidationInput, rec *httptest.ResponseRecorder) error {
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: rec.Code, Header: rec.Header(), Options: input.Options,
	}
	out.SetBodyBytes(rec.Body.Bytes())
	return openapi3filter.ValidateResponse(input.Request.Context(), out)
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// The validator refuses what GitHub would refuse: a test that nothing can fail shows nothing.
func TestTheDescriptionRefusesWhatGitHubRefuses(t *testing.T) {
	const repo, org = "/repos/acme/app/actions/secrets/KEY", "/orgs/acme/actions/secrets/KEY"
	for name, c := range map[string]struct {
		method, path, body string
		ok                 bool
	}{
		"a sealed value":                {"PUT", repo, `{"encrypted_value":"c2VjcmV0","key_id":"1"}`, true},
		"a value that is not base64":    {"PUT", repo, `{"encrypted_value":"not base64!","key_id":"1"}`, false},
		"no value":                      {"PUT", repo, `{"key_id":"1"}`, false},
		"no key id":                     {"PUT", repo, `{"encrypted_value":"c2VjcmV0"}`, false},
		"a field that nobody knows":     {"PUT", repo, `{"encrypted_value":"c2VjcmV0","key_id":"1","visibility":"all"}`, false},
		"an organization's visibility":  {"PUT", org, `{"encrypted_value":"c2VjcmV0","key_id":"1","visibility":"all"}`, true},
		"an organization without":       {"PUT", org, `{"encrypted_value":"c2VjcmV0","key_id":"1"}`, false},
		"repositories as a text":        {"PUT", org, `{"encrypted_value":"c2VjcmV0","key_id":"1","visibility":"selected","selected_repository_ids":"all"}`, false},
		"another method":                {"POST", repo, `{}`, false},
		"a path that nobody knows":      {"GET", "/repos/acme/app/actions/secret", ``, false},
		"a parameter that nobody knows": {"GET", "/repos/acme/app/actions/secrets?size=1", ``, false},
		"a page":                        {"GET", "/repos/acme/app/actions/secrets?per_page=100&page=2", ``, true},
	} {
		t.Run(name, func(t *testing.T) {
			d := describe(t, ofGitHub)
			r := httptest.NewRequest(c.method, "https://api.github.com"+c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			if _, err := d.request(r, []byte(c.body)); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}
