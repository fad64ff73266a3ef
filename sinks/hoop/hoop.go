package hoop

import (
	"context"
	_ "embed"
	"encoding/json"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "hoop",
	Summary:  "two values of a connection in the hoop.dev gateway",
	Best:     sinks.Exact,
	Verified: "a model written from the gateway's source; not yet a real gateway",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is one connection.
type sink struct {
	cfg     Config
	api     *httpapi.Client
	serials *sinks.Serials
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := authOf(ctx, cfg)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.base(), UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.base()),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "hoop", "%w", err)
	}
	s := &sink{cfg: *cfg, api: api, serials: env.Serials}
	if s.serials == nil {
		s.serials = &sinks.Serials{}
	}
	return s, nil
}

func authOf(ctx context.Context, cfg *Config) (*httpapi.Token, error) {
	if !cfg.APIKey.IsZero() {
		return httpapi.HeaderToken(ctx, "hoop: api key", cfg.APIKey, "Api-Key", "")
	}
	return httpapi.Bearer(ctx, "hoop: token", cfg.Token)
}

// place is the connection, whatever a push changes of it: it is read and written as a whole.
func (s *sink) place() string { return s.cfg.base() + s.path() }

// left is what a push leaves in its receipt.
type left struct {
	Key sinks.KeyID `json:"key"`
}

// Push writes the pair, unless it is shown there already. The receipt's stamp is secrets_updated_at as the gateway shows it
// afterwards: its database keeps less of the time than the answer to the write does.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	leave, err := s.serials.Enter(ctx, s.place())
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, "hoop: push", "%w", err)
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
	if err := s.writable(now); err != nil {
		return sinks.Receipt{}, err
	}
	if s.judge(now, cred) != serves {
		if err := s.write(ctx, now, cred); err != nil {
			return sinks.Receipt{}, err
		}
		if now, err = s.read(ctx); err != nil {
			return sinks.Receipt{}, err
		}
	}
	data, err := json.Marshal(left{cred.KeyID})
	return sinks.Receipt{Stamp: stampOf(now.updated), At: now.now, Data: data}, err
}

// verdict is what a connection shows of a pair.
type verdict int

const (
	differs verdict = iota // another one, or none, or a session token beside it
	hides                  // both values are there and hidden
	serves
)

func (s *sink) judge(c connection, cred sinks.Credential) verdict {
	v := s.cfg.Variables
	if _, spoilt := c.values[key(v.SessionToken)]; spoilt {
		return differs
	}
	all := serves
	for name, want := range map[string]secret.Text{v.AccessKeyID: secret.FromString(string(cred.KeyID)), v.SecretAccessKey: cred.Secret} {
		is, there := c.values[key(name)]
		text, ok := is.text()
		switch {
		case there && is.hidden():
			all = hides
		case !ok || !text.Equal(want):
			return differs
		}
	}
	return all
}

// settles is how long Verify waits for an answer that is older than the push.
const settles = 2 * time.Second

// Verify reads the values back, or where they are hidden, the time of their last change.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	op := "hoop: verify connection " + s.cfg.Connection
	for until := time.Now().Add(settles); ; {
		now, err := s.readRetrying(ctx)
		if err != nil {
			return sinks.None, err
		}
		switch s.judge(now, cred) {
		case serves:
			return sinks.Exact, nil
		case hides:
			return s.stamped(op, now, cred, r)
		}
		if !older(now.updated, r.Stamp) || time.Now().After(until) || !httpapi.Sleep(ctx, settles/10) {
			return sinks.None, sinks.Errorf(sinks.Stale, op, "it holds another pair, or a session token beside it")
		}
	}
}

// stampOf is a time as it is journalled; "" if it is not told.
func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// older says whether t is before the time of the push that left stamp.
func older(t time.Time, stamp string) bool {
	written, err := time.Parse(time.RFC3339Nano, stamp)
	return err == nil && t.Before(written)
}

// stamped is the evidence of a connection that hides its values.
func (*sink) stamped(op string, now connection, cred sinks.Credential, r sinks.Receipt) (sinks.Evidence, error) {
	var l left
	if len(r.Data) == 0 || json.Unmarshal(r.Data, &l) != nil || l.Key != cred.KeyID {
		return sinks.None, sinks.Errorf(sinks.Unclassified, op, "the values are hidden, and nothing says which pair they are")
	}
	switch {
	case r.Stamp == "" && now.updated.IsZero():
		return sinks.Accepted, nil
	case stampOf(now.updated) != r.Stamp:
		return sinks.None, sinks.Errorf(sinks.Stale, op, "its values were changed since they were written")
	}
	return sinks.Stamped, nil
}

// Serving is the key id that the connection shows.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := s.readRetrying(ctx)
	if err != nil {
		return "", err
	}
	v, there := now.values[key(s.cfg.Variables.AccessKeyID)]
	text, ok := v.text()
	switch {
	case !there:
		return "", nil
	case v.hidden() || v.refers():
		return "", sinks.ErrBlind
	case !ok:
		return "", sinks.Errorf(sinks.Refused, "hoop: read connection "+s.cfg.Connection, "%s is no text in base64", s.cfg.Variables.AccessKeyID)
	}
	return sinks.KeyID(text.Reveal()), nil
}

func (s *sink) readRetrying(ctx context.Context) (now connection, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		now, err = s.read(ctx)
		return err
	})
	return now, err
}
