package circleci

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// project is the variables of a project. Source: API v2, "Project".
type project struct {
	cfg  Config
	api  *httpapi.Client
	path string
}

// See reads the end of each value. The time that is shown is the one of creation, so it says nothing of a change.
func (p *project) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	type variable struct {
		Name  string `json:"name"`
		Value string `json:"value"` // xxxx and the last four characters
	}
	r := httpapi.Request{Op: "circleci: list the variables of " + p.cfg.place(), Path: p.path}
	r.Explain = explain(r.Op)
	all, resp, err := list[variable](ctx, p.api, r)
	seen := map[string]vars.Seen{}
	for _, v := range all {
		seen[v.Name] = vars.Seen{Tail: end(strings.TrimPrefix(v.Value, "xxxx"))}
	}
	return seen, resp.Date, err
}

// end is a shown end of a value, if it is long enough to say anything.
func end(tail string) string {
	if len(tail) < 4 {
		return ""
	}
	return tail
}

// Prepare makes the one request that creates a variable or changes it.
func (p *project) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	r := httpapi.Request{Op: "circleci: write " + c.Name, Method: http.MethodPost, Path: p.path, Repeatable: true}
	r.Explain = explain(r.Op)
	return func(ctx context.Context) error {
		r.Body = map[string]string{"name": c.Name, "value": c.Value.Reveal()}
		_, err := p.api.Do(ctx, r, nil)
		return err
	}, nil
}

// Remove deletes a session token.
func (p *project) Remove(ctx context.Context, name string, _ vars.Seen) error {
	return remove(ctx, p.api, name, p.path+"/"+url.PathEscape(name))
}

func remove(ctx context.Context, api *httpapi.Client, name, path string) error {
	_, err := api.Do(ctx, httpapi.Request{Op: "circleci: remove " + name, Method: http.MethodDelete, Path: path}, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

func explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		if status == http.StatusNotFound {
			return sinks.Errorf(sinks.Missing, op, "it does not exist, or the token's user may not see it (404)")
		}
		return nil
	}
}
