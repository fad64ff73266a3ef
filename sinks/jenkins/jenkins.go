package jenkins

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
	Kind:     "jenkins",
	Summary:  "a credential of Jenkins' type AWS Credentials, of the system or a folder",
	Best:     sinks.Partial,
	Verified: "a model, written from the sources of the plugins",
	Source:   source,
	Open:     open,
})

// sink is one credential.
type sink struct {
	cfg     Config
	api     *httpapi.Client
	serials *sinks.Serials
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.Basic(ctx, "jenkins: token", cfg.User, cfg.Token)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "jenkins: open", "%w", err)
	}
	s := &sink{cfg: *cfg, api: api, serials: env.Serials}
	if s.serials == nil {
		s.serials = &sinks.Serials{}
	}
	return s, nil
}

// op begins an error: "jenkins: read platform/app/aws-ci".
func (s *sink) op(verb string) string { return "jenkins: " + verb + " " + s.cfg.name() }

// Push writes the pair. It is written also if the key id is there already: whether the secret is, nobody can see. The receipt's stamp is
// the mark in the description.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	leave, err := s.serials.Enter(ctx, s.cfg.Destination())
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, s.op("write"), "%w", err)
	}
	defer leave()
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		r, err = s.push(ctx, cred)
		return err
	})
	return r, err
}

func (s *sink) push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	now, err := s.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	want, err := s.write(ctx, now, cred)
	if err != nil {
		return sinks.Receipt{}, err
	}
	after, err := s.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if after.key() != cred.KeyID || after.note() != want {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, s.op("write"), "Jenkins says yes, and the credential is not the one that was written")
	}
	return sinks.Receipt{Stamp: vars.Marked(want), At: after.at}, nil
}

// Verify reads what Jenkins shows of the credential.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	now, err := s.readRetrying(ctx)
	if err != nil {
		return sinks.None, err
	}
	var wrong string
	switch {
	case !now.there:
		wrong = "the credential does not exist"
	case now.key() == "":
		wrong = "it holds no key"
	case now.key() != cred.KeyID:
		wrong = "it holds another key"
	case r.Stamp != "" && vars.Marked(now.note()) != r.Stamp:
		wrong = "it was changed since it was written"
	default:
		return sinks.Partial, nil
	}
	return sinks.None, sinks.Errorf(sinks.Stale, s.op("verify"), "%s", wrong)
}

// Serving is the key id that the credential holds.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := s.readRetrying(ctx)
	return now.key(), err
}

func (s *sink) readRetrying(ctx context.Context) (now current, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		now, err = s.read(ctx)
		return err
	})
	return now, err
}
