package buildkite

import (
	"context"
	_ "embed"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "buildkite",
	Summary:  "two secrets of a Buildkite cluster",
	Best:     sinks.Proven,
	Verified: "Buildkite's REST API documentation, a model of it in the unit tests; not yet Buildkite itself",
	Source:   source,
	Defaults: Config{URL: "https://api.buildkite.com/v2", Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is the secrets of one cluster.
type sink struct {
	*vars.Sink
	*builds
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.Bearer(ctx, "buildkite: token", cfg.Token)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "buildkite", "%w", err)
	}
	b, err := newBuilds(cfg, api, env.Canary)
	if err != nil {
		return nil, err
	}
	s := &store{cfg: *cfg, api: api, path: "/organizations/" + cfg.Organization + "/clusters/" + cfg.Cluster + "/secrets", canary: env.Canary != nil}
	o := vars.Options{Kind: "buildkite", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, Base: cfg.URL}
	return sink{vars.New(o, s, env), b}, nil
}
