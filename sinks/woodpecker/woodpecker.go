package woodpecker

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
	Kind:     "woodpecker",
	Summary:  "two secrets of a repository, an organization or a whole server in Woodpecker CI",
	Best:     sinks.Stamped,
	Verified: "a model written from the server's source (3.17); not yet a real server",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

// noteMax is the column of the server's database.
const noteMax = 255

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.Bearer(ctx, "woodpecker: token", cfg.Token)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.base(), UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.base()),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "woodpecker", "%w", err)
	}
	o := vars.Options{
		Kind: "woodpecker", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, NoteMax: noteMax, Base: cfg.URL,
	}
	return vars.New(o, &store{api, *cfg}, env), nil
}
