package bitbucket

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
	Kind:     "bitbucket",
	Summary:  "two Pipelines variables of a Bitbucket Cloud repository, deployment or workspace",
	Best:     sinks.Partial,
	Verified: "documentation only",
	Source:   source,
	Defaults: Config{URL: "https://api.bitbucket.org/2.0", Variables: sinks.DefaultVariables},
	Open:     open,
})

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := login(ctx, cfg)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{Base: cfg.URL, UserAgent: env.UserAgent, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL)})
	if err != nil {
		return nil, err
	}
	o := vars.Options{Kind: "bitbucket", Place: cfg.Destination(), Variables: cfg.Variables, Base: cfg.URL}
	return vars.NewReadable(o, &store{cfg: *cfg, api: api}, env), nil
}

func login(ctx context.Context, cfg *Config) (httpapi.Auth, error) {
	if cfg.User != "" {
		return httpapi.Basic(ctx, "bitbucket: token", cfg.User, cfg.Token)
	}
	return httpapi.Bearer(ctx, "bitbucket: token", cfg.Token)
}
