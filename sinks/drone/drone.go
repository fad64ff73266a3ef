package drone

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
	Kind:     "drone",
	Summary:  "two secrets of a repository or an organization in Drone",
	Best:     sinks.Accepted,
	Verified: "Drone 1.10.1",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.Bearer(ctx, "drone: token", cfg.Token)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.base(), UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.base()),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "drone", "%w", err)
	}
	o := vars.Options{Kind: "drone", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, Base: cfg.URL}
	return vars.New(o, &store{api, *cfg}, env), nil
}
