package pulumideployments

import (
	"context"
	_ "embed"
	"encoding/json"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "pulumi-deployments",
	Summary:  "two environment variables of a stack's Pulumi Deployments settings",
	Best:     sinks.Stamped,
	Verified: "documentation only",
	Source:   source,
	Defaults: Config{URL: "https://api.pulumi.com", Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is the settings of one stack.
type sink struct {
	cfg Config
	api *httpapi.Client
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := httpapi.HeaderToken(ctx, "pulumi-deployments: token", cfg.Token, "Authorization", "token ")
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: cfg.URL, UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL), Header: accept,
	})
	if err != nil {
		return nil, err
	}
	return &sink{cfg: *cfg, api: api}, nil
}

// trace is what a push left behind, as the data of its receipt. A fingerprint is of a ciphertext, never of a value.
type trace struct {
	Key    sinks.KeyID `json:"key"`
	Sealed string      `json:"sealed,omitempty"`
	ID     string      `json:"id,omitempty"`
}

// Push writes the pair. The receipt's stamp is the version of the settings.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	left, at, err := s.patch(ctx, cred)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if wrong := s.missing(left); wrong != "" {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, "pulumi-deployments: write "+s.cfg.name(), "after the push %s", wrong)
	}
	v := s.cfg.Variables
	t := trace{Key: cred.KeyID, Sealed: left.variable(v.SecretAccessKey).fingerprint(), ID: left.variable(v.AccessKeyID).fingerprint()}
	data, err := json.Marshal(t)
	return sinks.Receipt{Stamp: left.version(), At: at, Data: data}, err
}

// missing says what is wrong with the names alone; "" if all is as a push leaves it.
func (s *sink) missing(now settings) string {
	v := s.cfg.Variables
	for _, name := range []string{v.SecretAccessKey, v.AccessKeyID} {
		if !now.variable(name).there {
			return name + " is not there"
		}
	}
	if now.variable(v.SessionToken).there {
		return v.SessionToken + " lies beside the key"
	}
	return ""
}

// Verify compares version and ciphertexts with those that the push left.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	now, err := s.read(ctx)
	if err != nil {
		return sinks.None, err
	}
	op := "pulumi-deployments: verify " + s.cfg.name()
	if wrong := s.missing(now); wrong != "" {
		return sinks.None, sinks.Errorf(sinks.Stale, op, "%s", wrong)
	}
	var left trace
	if len(r.Data) == 0 || json.Unmarshal(r.Data, &left) != nil || left.Key != cred.KeyID {
		return sinks.None, sinks.Errorf(sinks.Unclassified, op, "nothing that Pulumi shows says which pair it serves")
	}
	v := s.cfg.Variables
	secret, id := now.variable(v.SecretAccessKey), now.variable(v.AccessKeyID)
	switch {
	case id.shown && id.text != string(cred.KeyID):
		return sinks.None, sinks.Errorf(sinks.Stale, op, "%s holds another key", v.AccessKeyID)
	case r.Stamp != "" && now.version() == r.Stamp:
		return sinks.Stamped, nil
	case left.Sealed != "" && secret.fingerprint() == left.Sealed && id.fingerprint() == left.ID:
		return sinks.Stamped, nil
	case r.Stamp == "" && left.Sealed == "":
		return sinks.Accepted, nil
	}
	return sinks.None, sinks.Errorf(sinks.Stale, op, "the variables were changed since they were written")
}
