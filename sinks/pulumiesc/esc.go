package pulumiesc

import (
	"context"
	_ "embed"
	"strconv"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "pulumi-esc",
	Summary:  "two values in the definition of a Pulumi ESC environment",
	Best:     sinks.Exact,
	Verified: "documentation only",
	Source:   source,
	Defaults: Config{URL: "https://api.pulumi.com", Path: "environmentVariables", Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is one environment.
type sink struct {
	cfg  Config
	path []string // of the object that holds the pair, from the top
	api  *httpapi.Client
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.HeaderToken(ctx, "pulumi-esc: token", cfg.Token, "Authorization", "token ")
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL), Header: accept,
	})
	if err != nil {
		return nil, err
	}
	return &sink{cfg: *cfg, path: append([]string{"values"}, cfg.path()...), api: api}, nil
}

// Push writes the pair, unless it is there already. The receipt's stamp is the revision.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		r, err = s.push(ctx, cred)
		return err
	})
	return r, err
}

// push is one try. What is written follows from what was read with its ETag.
func (s *sink) push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	now, err := s.decrypted(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if holds(now.text, s.path, s.cfg.Variables, cred) {
		return now.receipt(), nil
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	text, err := edited(stored.text, s.path, s.cfg.Variables, cred)
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Refused, "pulumi-esc: edit "+s.cfg.name(), "%w", err)
	}
	return s.write(ctx, text, stored.etag)
}

// replication is how long Verify waits for an answer that is older than what was written.
const replication = 2 * time.Second

// Verify reads the decrypted definition back.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	written, _ := strconv.Atoi(r.Stamp)
	for until := time.Now().Add(replication); ; {
		now, err := s.decrypted(ctx)
		switch {
		case err != nil:
			return sinks.None, err
		case holds(now.text, s.path, s.cfg.Variables, cred):
			return sinks.Exact, nil
		case now.revision >= written || time.Now().After(until) || !httpapi.Sleep(ctx, replication/10):
			return sinks.None, sinks.Errorf(sinks.Stale, "pulumi-esc: verify "+s.cfg.name(), "%s", s.other(now.text, cred))
		}
	}
}

// other says what is there instead of cred, by the ids only.
func (s *sink) other(text string, cred sinks.Credential) string {
	id, err := s.id(text)
	switch {
	case err != nil:
		return err.Error()
	case id == "":
		return "it holds no key"
	case id != cred.KeyID:
		return "it holds another key"
	}
	return "it holds a session token beside the key, or another secret"
}

// id is the key id in a decrypted definition; "" if there is none.
func (s *sink) id(text string) (sinks.KeyID, error) {
	d, err := parse(text)
	if err != nil {
		return "", err
	}
	e, err := d.at(s.path, s.cfg.Variables.AccessKeyID)
	if err != nil {
		return "", err
	}
	v := read(e)
	return sinks.KeyID(v.text), v.err
}

// Serving is the key id that the environment holds.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := s.decrypted(ctx)
	if err != nil {
		return "", err
	}
	id, err := s.id(now.text)
	if err != nil {
		return "", sinks.Errorf(sinks.Refused, "pulumi-esc: read "+s.cfg.name(), "%w", err)
	}
	return id, nil
}
