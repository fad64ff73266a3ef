package kubernetes

import (
	"context"
	_ "embed"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "kubernetes",
	Summary:  "two keys of a Kubernetes Secret, by server-side apply",
	Best:     sinks.Exact,
	Verified: "kube-apiserver 1.36.1; in_cluster: a model",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is one Secret.
type sink struct {
	cfg    Config
	api    *httpapi.Client
	server string
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	a, err := accessOf(cfg)
	if err != nil {
		return nil, err
	}
	return newSink(ctx, cfg, a, env)
}

func newSink(ctx context.Context, cfg *Config, a access, env sinks.Env) (_ sinks.Sink, err error) {
	o := httpapi.Options{Base: a.server, UserAgent: env.UserAgent, TLS: a.tls, Limiter: httpapi.Limiter(env, a.server)}
	if a.token != nil {
		if o.Auth, err = httpapi.Bearer(ctx, "kubernetes: token", a.token); err != nil {
			return nil, err
		}
	}
	api, err := httpapi.New(o)
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "kubernetes: server of the cluster", "%w", err)
	}
	return &sink{cfg: *cfg, api: api, server: a.server}, nil
}

// Push writes the pair, unless it is there already. The receipt's stamp is the resourceVersion.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) error {
		now, err := s.get(ctx)
		switch {
		case err != nil:
			return err
		case s.serves(now, cred):
			r = now.receipt()
			return nil
		case now.Immutable:
			return s.immutable("write")
		}
		now, err = s.write(ctx, now, cred)
		r = now.receipt()
		return err
	})
	return r, err
}

// Verify reads the Secret back.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	now, err := s.getRetrying(ctx)
	switch {
	case err != nil:
		return sinks.None, err
	case s.serves(now, cred):
		return sinks.Exact, nil
	}
	return sinks.None, sinks.Errorf(sinks.Stale, s.op("verify"), "%s", s.other(now, cred))
}

// Serving is the key id that the Secret holds.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := s.getRetrying(ctx)
	return sinks.KeyID(now.Data[s.cfg.Variables.AccessKeyID]), err
}

func (s *sink) getRetrying(ctx context.Context) (now object, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		now, err = s.get(ctx)
		return err
	})
	return now, err
}

// serves says whether now is cred and nothing that spoils it.
func (s *sink) serves(now object, cred sinks.Credential) bool {
	v := s.cfg.Variables
	_, token := now.Data[v.SessionToken]
	same := cred.Secret.EqualString(string(now.Data[v.SecretAccessKey]))
	return same && string(now.Data[v.AccessKeyID]) == string(cred.KeyID) && cred.KeyID != "" && !token
}

// other says what is there instead of cred, by the ids only.
func (s *sink) other(now object, cred sinks.Credential) string {
	id := string(now.Data[s.cfg.Variables.AccessKeyID])
	_, token := now.Data[s.cfg.Variables.SessionToken]
	switch {
	case !now.there():
		return "the Secret does not exist"
	case id == "":
		return "it holds no key"
	case id != string(cred.KeyID):
		return "it holds another key"
	case token:
		return "it holds a session token beside the key"
	}
	return "it holds another secret beside the same key id"
}

// op begins an error: "kubernetes: read ci/aws".
func (s *sink) op(verb string) string {
	return "kubernetes: " + verb + " " + s.cfg.Namespace + "/" + s.cfg.Secret
}

func (s *sink) immutable(verb string) error {
	return sinks.Errorf(sinks.Refused, s.op(verb), "the Secret is immutable: it can only be replaced by a new one")
}
