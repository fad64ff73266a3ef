package webhook

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "webhook",
	Summary:  "a receiver of your own, by a signed request (Standard Webhooks)",
	Best:     sinks.Exact,
	Verified: "the test vector of Standard Webhooks; a receiver written from the contract",
	Source:   source,
	Defaults: Config{Verify: true},
	Open:     open,
})

// sink is one target of a receiver.
type sink struct {
	cfg    Config
	path   string
	signer signer
	api    *httpapi.Client
}

// readable is one whose receiver says what it serves.
type readable struct{ *sink }

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	s := &sink{cfg: *cfg, signer: signer{cfg.Secret}}
	key, err := s.signer.key(ctx) // one that is missing is noticed now
	if err != nil {
		return nil, err
	}
	clear(key)
	base, path := cfg.address()
	s.path = path
	s.api, err = httpapi.New(httpapi.Options{
		Base: base, UserAgent: env.UserAgent, CACert: cfg.CACert, Limiter: httpapi.Limiter(env, base),
	})
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, "webhook: open", "%w", err)
	}
	if cfg.Verify {
		return readable{s}, nil
	}
	return s, nil
}

// Best is how good the evidence can be.
func (s *sink) Best() sinks.Evidence {
	if s.cfg.Verify {
		return sinks.Exact
	}
	return sinks.Accepted
}

// Check asks the receiver whether it would take a pair, and what it serves.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	if _, _, err := s.send(ctx, "webhook: check", typeCheck, data{}); err != nil {
		return nil, err
	}
	if !s.cfg.Verify {
		return nil, nil
	}
	_, err := s.ask(ctx, "webhook: check", newChallenge())
	return nil, err
}

// trace is what a push leaves behind for a receiver that cannot say what it serves.
type trace struct {
	Key sinks.KeyID `json:"key"`
}

// Push sends the pair. Each push is a message of its own: a receiver that drops repeated ids must not take a
// later one, which heals what somebody changed, for a retry.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	_, at, err := s.send(ctx, "webhook: put", typePut, data{KeyID: string(cred.KeyID), Secret: cred.Secret.Reveal()})
	if err != nil {
		return sinks.Receipt{}, err
	}
	left, err := json.Marshal(trace{cred.KeyID})
	return sinks.Receipt{At: at, Data: left}, err
}

// Verify of a receiver that cannot say what it serves looks whether it is still there.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	const op = "webhook: verify"
	var t trace
	if json.Unmarshal(r.Data, &t) != nil || t.Key != cred.KeyID {
		return sinks.None, sinks.Errorf(sinks.Unclassified, op, "nothing says which pair the receiver serves")
	}
	if _, _, err := s.send(ctx, op, typeCheck, data{}); err != nil {
		return sinks.None, err
	}
	return sinks.Accepted, nil
}

// Verify lets the receiver prove that it holds the secret.
func (s readable) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	const op = "webhook: verify"
	challenge := newChallenge()
	got, err := s.ask(ctx, op, challenge)
	if err != nil {
		return sinks.None, err
	}
	if wrong := got.wrong(cred, challenge); wrong != "" {
		return sinks.None, sinks.Errorf(sinks.Stale, op, "%s", wrong)
	}
	return sinks.Exact, nil
}

// Serving is the key id that the receiver tells.
func (s readable) Serving(ctx context.Context) (sinks.KeyID, error) {
	got, err := s.ask(ctx, "webhook: ask what is served", newChallenge())
	if err != nil {
		return "", err
	}
	return *got.KeyID, nil
}

// serves is the answer to a challenge.
type serves struct {
	KeyID *sinks.KeyID `json:"access_key_id"`
	Proof string       `json:"proof"`
}

// wrong says what is served instead of cred; "" if it is cred.
func (a serves) wrong(cred sinks.Credential, challenge string) string {
	switch {
	case *a.KeyID == "":
		return "the receiver serves no key"
	case *a.KeyID != cred.KeyID:
		return "the receiver serves another key"
	case !proves(cred.Secret, challenge, a.Proof):
		return "the receiver does not prove that it serves this secret beside the key id"
	}
	return ""
}

// ask lets the receiver answer a challenge.
func (s *sink) ask(ctx context.Context, op, challenge string) (got serves, err error) {
	answer, _, err := s.send(ctx, op, typeVerify, data{Challenge: challenge})
	if err != nil {
		return serves{}, err
	}
	if json.Unmarshal(answer, &got) != nil || got.KeyID == nil {
		return serves{}, sinks.Errorf(sinks.Refused, op, "the receiver does not answer credential.verify: say verify: false if it cannot")
	}
	return got, nil
}

func newChallenge() string { return rand.Text() }
