package gitlab

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
	Kind:     "gitlab",
	Summary:  "two CI/CD variables, or one file variable, of a GitLab project, group or instance",
	Best:     sinks.Proven,
	Verified: "GitLab's REST API documentation, a model of it in the unit tests; not yet a real GitLab",
	Source:   source,
	Defaults: Config{URL: "https://gitlab.com/api/v4", EnvironmentScope: all, Masked: true, Variables: sinks.DefaultVariables},
	Open:     open,
})

// longestNote is how many characters a description can have. Source: "Project-level CI/CD variables API".
const longestNote = 255

// readable is a sink whose values GitLab gives back.
type readable struct {
	vars.Readable
	*pipeline
}

// hidden is one whose values it does not.
type hidden struct {
	*vars.Sink
	*pipeline
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.HeaderToken(ctx, "gitlab: token", cfg.Token, "PRIVATE-TOKEN", "")
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "gitlab", "%w", err)
	}
	p, err := newPipeline(cfg, api, env.Canary)
	if err != nil {
		return nil, err
	}
	s := &store{cfg: *cfg, api: api}
	o := vars.Options{
		Kind: "gitlab", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, NoteMax: longestNote, Base: cfg.URL,
	}
	if cfg.Hidden {
		return hidden{vars.New(o, s, env), p}, nil
	}
	return readable{vars.NewReadable(o, s, env), p}, nil
}
