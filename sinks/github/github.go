package github

import (
	"context"
	_ "embed"
	"net/http"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "github",
	Summary:  "two secrets of a GitHub repository, environment or organization (Actions, Dependabot, Codespaces)",
	Best:     sinks.Proven,
	Verified: "GitHub's OpenAPI description (github.com and Enterprise Server 3.19), a model of it in the unit tests; not yet GitHub itself",
	Source:   source,
	Defaults: Config{URL: github, Store: actions, Visibility: "private", Variables: sinks.DefaultVariables},
	Open:     open,
})

const github = "https://api.github.com"

// apiVersion is the one that the vendored description is of.
const apiVersion = "2022-11-28"

// sink is the secrets of one scope.
type sink struct {
	*vars.Sink
	store  *store
	canary *sinks.CanaryConfig
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	if err := validateCanary(cfg, env.Canary); err != nil {
		return nil, err
	}
	in := scopeOf(cfg)
	auth, err := authOf(ctx, cfg, in, env)
	if err != nil {
		return nil, err
	}
	api, err := client(cfg, env, auth)
	if err != nil {
		return nil, err
	}
	s := &store{cfg: *cfg, in: in, api: api}
	o := vars.Options{Kind: "github", Place: cfg.Destination(), Variables: cfg.Variables, Bundle: cfg.Bundle, Base: cfg.URL}
	return &sink{Sink: vars.New(o, s, env), store: s, canary: env.Canary}, nil
}

// Best is canary only where one is configured.
func (s *sink) Best() sinks.Evidence {
	if s.canary == nil {
		return sinks.Stamped
	}
	return sinks.Proven
}

func authOf(ctx context.Context, cfg *Config, in scope, env sinks.Env) (httpapi.Auth, error) {
	if cfg.App == nil {
		return httpapi.Bearer(ctx, "github: token", cfg.Token)
	}
	return newInstallation(ctx, cfg, in, env)
}

func client(cfg *Config, env sinks.Env, auth httpapi.Auth) (*httpapi.Client, error) {
	c, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL), Explain: explain,
		Header: func(_ context.Context, h http.Header) error {
			h.Set("Accept", "application/vnd.github+json")
			h.Set("X-GitHub-Api-Version", apiVersion)
			return nil
		},
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "github", "%w", err)
	}
	return c, nil
}

// isServer says whether it is an Enterprise Server, and not one of GitHub's own.
func (c *Config) isServer() bool {
	u, err := httpapi.ParseBase(c.URL)
	return err == nil && u.Hostname() != "api.github.com" && !strings.HasSuffix(u.Hostname(), ".ghe.com")
}
