package gitea

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
	Kind:     "gitea",
	Summary:  "two Actions secrets of a repository, an organization or a user in Gitea or Forgejo",
	Best:     sinks.Proven,
	Verified: "Gitea 1.26.2; Forgejo: a model of it",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

// noteMax is how long a description can be: 4096 characters, of which each is at least a byte.
const noteMax = 4096

// sink is the secrets of one scope.
type sink struct {
	*vars.Sink
	best sinks.Evidence
}

// Best is less than the kind's where a user's secrets cannot be listed, or no canary is configured.
func (s sink) Best() sinks.Evidence { return s.best }

// proving is a sink with a job that uses the pair.
type proving struct {
	sink
	*canary
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.HeaderToken(ctx, "gitea: token", cfg.Token, "Authorization", "token ")
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.base(), UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.base()),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "gitea", "%w", err)
	}
	in := scopeOf(cfg)
	o := vars.Options{Kind: "gitea", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, NoteMax: noteMax, Base: cfg.URL}
	s := sink{best: sinks.Stamped}
	if cfg.User != "" {
		s.best = sinks.Accepted
		s.Sink = vars.New(o, &unlisted{store{api, in}, *cfg}, env)
	} else {
		s.Sink = vars.New(o, &store{api, in}, env)
	}
	if env.Canary == nil {
		return s, nil
	}
	c, err := newCanary(api, cfg, *env.Canary)
	if err != nil {
		return nil, err
	}
	s.best = sinks.Proven
	return proving{s, c}, nil
}
