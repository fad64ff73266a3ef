package circleci

import (
	"context"
	_ "embed"
	"net/url"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "circleci",
	Summary:  "two environment variables of a CircleCI project or context",
	Best:     sinks.Proven,
	Verified: "CircleCI's API v2 documentation, a model of it in the unit tests; not yet CircleCI itself",
	Source:   source,
	Defaults: Config{URL: "https://circleci.com/api/v2", Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is the variables of one project or context.
type sink struct {
	*vars.Sink
	*pipeline
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.HeaderToken(ctx, "circleci: token", cfg.Token, "Circle-Token", "")
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "circleci", "%w", err)
	}
	p, err := newPipeline(cfg, api, env.Canary)
	if err != nil {
		return nil, err
	}
	var s vars.Store
	if cfg.Project != "" {
		s = &project{cfg: *cfg, api: api, path: "/project/" + cfg.Project + "/envvar"}
	} else {
		s = &shared{cfg: *cfg, api: api}
	}
	o := vars.Options{Kind: "circleci", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, Base: cfg.URL}
	return sink{vars.New(o, s, env), p}, nil
}

// page is a page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_page_token"` // null at the end
}

// list reads all pages, and the store's clock.
func list[T any](ctx context.Context, api *httpapi.Client, r httpapi.Request) (all []T, last httpapi.Response, err error) {
	follow := httpapi.CursorNext("page-token", func(p page[T]) string { return p.Next })
	next := httpapi.Next[page[T]](func(p page[T], resp httpapi.Response, q url.Values) bool {
		last = resp
		return follow(p, resp, q)
	})
	err = httpapi.Pages(ctx, api, r, next, func(p page[T]) { all = append(all, p.Items...) })
	return all, last, err
}
