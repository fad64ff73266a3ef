package hcpterraform

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
	Kind:     "hcp-terraform",
	Summary:  "two environment variables of an HCP Terraform workspace or variable set",
	Best:     sinks.Partial,
	Verified: "documentation only",
	Source:   source,
	Defaults: Config{URL: "https://app.terraform.io/api/v2", Variables: sinks.DefaultVariables},
	Open:     open,
})

// noteMax is the longest description. Source: "Workspace variables API reference".
const noteMax = 512

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.Bearer(ctx, "hcp-terraform: token", cfg.Token)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL), Header: jsonAPI,
	})
	if err != nil {
		return nil, err
	}
	o := vars.Options{Kind: "hcp-terraform", Place: cfg.Destination(), Variables: cfg.Variables, NoteMax: noteMax, Base: cfg.URL}
	return vars.NewReadable(o, &store{cfg: *cfg, api: api}, env), nil
}

func jsonAPI(_ context.Context, h http.Header) error {
	h.Set("Content-Type", "application/vnd.api+json")
	h.Set("Accept", "application/vnd.api+json")
	return nil
}
