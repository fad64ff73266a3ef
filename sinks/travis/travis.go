package travis

import (
	"context"
	_ "embed"
	"net/http"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "travis",
	Summary:  "two environment variables in the settings of a repository at Travis CI",
	Best:     sinks.Partial,
	Verified: "Travis CI's API v3 documentation and server source, a model of it in the unit tests; not yet Travis itself",
	Source:   source,
	Defaults: Config{URL: "https://api.travis-ci.com", Variables: sinks.DefaultVariables},
	Open:     open,
})

// blind is a sink that shows nothing.
type blind struct{ *vars.Sink }

// Best is what a store can give that says no more than yes.
func (blind) Best() sinks.Evidence { return sinks.Accepted }

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.HeaderToken(ctx, "travis: token", cfg.Token, "Authorization", "token ")
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL),
		Header: func(_ context.Context, h http.Header) error {
			h.Set("Travis-API-Version", "3")
			return nil
		},
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "travis", "%w", err)
	}
	s := &store{cfg: *cfg, api: api}
	o := vars.Options{Kind: "travis", Place: cfg.place(), Variables: cfg.Variables, Base: cfg.URL}
	if cfg.PublicKeyID {
		return vars.NewReadable(o, s, env), nil
	}
	return blind{vars.New(o, s, env)}, nil
}
