package vault

import (
	"context"
	_ "embed"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vaultapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "vault",
	Summary:  "two fields of a secret in Vault or OpenBao (KV version 2 or 1)",
	Best:     sinks.Exact,
	Verified: "Vault 1.21.1; Kubernetes and JWT logins: a model; OpenBao and namespaces: documentation only",
	Source:   source,
	Defaults: Config{Mount: "secret", Variables: sinks.DefaultVariables},
	Open:     open,
})

// sink is one secret.
type sink struct {
	cfg  Config
	call *vaultapi.Client
	kv   atomic.Int32 // version of the store once it is known
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	c, err := vaultapi.New(ctx, "vault", cfg.Server, env)
	if err != nil {
		return nil, err
	}
	s := &sink{cfg: *cfg, call: c}
	s.kv.Store(int32(cfg.KV))
	return s, nil
}

// name is the secret as Vault's own command calls it.
func (s *sink) name() string { return s.cfg.Mount + "/" + s.cfg.Path }

// Push writes the pair, unless it is there already. The receipt's stamp is the version.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) error {
		now, err := s.read(ctx)
		if err != nil {
			return err
		}
		if s.serves(now, cred) {
			r = receipt(now.version, now.created)
			return nil
		}
		r, err = s.write(ctx, now, cred)
		return err
	})
	return r, err
}

// replication is how long Verify waits for a replica that shows an older version than was written.
const replication = 2 * time.Second

// Verify reads the secret back.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	written, _ := strconv.Atoi(r.Stamp)
	for until := time.Now().Add(replication); ; {
		now, err := s.readRetrying(ctx)
		switch {
		case err != nil:
			return sinks.None, err
		case s.serves(now, cred):
			return sinks.Exact, nil
		case now.version >= written || time.Now().After(until) || !httpapi.Sleep(ctx, replication/10):
			return sinks.None, sinks.Errorf(sinks.Stale, "vault: verify "+s.name(), "%s", s.other(now, cred))
		}
	}
}

// other says what is there instead of cred, by the ids only.
func (s *sink) other(now current, cred sinks.Credential) string {
	id, ok := now.text(s.cfg.Variables.AccessKeyID)
	switch {
	case !ok || id == "":
		return "it holds no key"
	case id != string(cred.KeyID):
		return "it holds another key"
	case now.fields[s.cfg.Variables.SessionToken] != nil:
		return "it holds a session token beside the key, or another secret"
	}
	return "it holds another secret beside the same key id"
}

// Serving is the key id that the secret holds.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := s.readRetrying(ctx)
	if err != nil {
		return "", err
	}
	field := s.cfg.Variables.AccessKeyID
	id, ok := now.text(field)
	if !ok && now.fields[field] != nil {
		return "", sinks.Errorf(sinks.Refused, "vault: read "+s.name(), "the field %s is not a text", field)
	}
	return sinks.KeyID(id), nil
}

func (s *sink) readRetrying(ctx context.Context) (now current, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		now, err = s.read(ctx)
		return err
	})
	return now, err
}

// serves says whether now is cred and nothing that spoils it.
func (s *sink) serves(now current, cred sinks.Credential) bool {
	v := s.cfg.Variables
	id, _ := now.text(v.AccessKeyID)
	value, _ := now.text(v.SecretAccessKey)
	return id == string(cred.KeyID) && cred.Secret.EqualString(value) && now.fields[v.SessionToken] == nil
}

// merged is now with cred in it, and everything else as it was.
func (s *sink) merged(now current, cred sinks.Credential) map[string]json.RawMessage {
	v := s.cfg.Variables
	all := make(map[string]json.RawMessage, len(now.fields)+2)
	for name, value := range now.fields {
		all[name] = value
	}
	delete(all, v.SessionToken)
	all[v.AccessKeyID], _ = json.Marshal(string(cred.KeyID))
	cred.Secret.Use(func(b []byte) { all[v.SecretAccessKey], _ = json.Marshal(string(b)) })
	return all
}

func receipt(version int, at time.Time) sinks.Receipt {
	if version == 0 {
		return sinks.Receipt{At: at}
	}
	return sinks.Receipt{Stamp: strconv.Itoa(version), At: at}
}
