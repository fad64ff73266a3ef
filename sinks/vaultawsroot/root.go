package vaultawsroot

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/vaultapi"
)

// root is the configuration as Vault shows it: all but the secret. It is empty if there is none.
type root map[string]json.RawMessage

// text is a field that is a text.
func (r root) text(field string) (s string) {
	_ = json.Unmarshal(r[field], &s) // what is no text is not one that is looked for
	return s
}

func (r root) key() sinks.KeyID { return sinks.KeyID(r.text("access_key")) }

// set says whether a field has any value.
func (r root) set(field string) bool {
	v := strings.Trim(string(r[field]), `" `)
	return v != "" && v != "0" && v != "0s" && v != "null"
}

// read gets the configuration.
func (s *sink) read(ctx context.Context) (root, error) {
	op := s.op("read")
	var got struct {
		Data root `json:"data"`
	}
	err := s.call.Get(ctx, op, s.cfg.path(), &got)
	if vaultapi.IsNothing(err) {
		return nil, s.mounted(ctx, op)
	}
	return got.Data, err
}

// mounted says whether the mount is an AWS engine. Another one, a key-value store say, would take the pair too.
func (s *sink) mounted(ctx context.Context, op string) error {
	var got struct {
		Data struct {
			Type string `json:"type"`
		} `json:"data"`
	}
	if err := s.call.Get(ctx, op, "sys/internal/ui/mounts/"+s.cfg.Mount, &got); err != nil {
		return err
	}
	if got.Data.Type != "aws" {
		return sinks.Errorf(sinks.Refused, op, "%s is not an AWS secrets engine", s.cfg.Mount)
	}
	return nil
}

// writable says whether keyturn may put its key into now.
func (s *sink) writable(now root, op string) error {
	switch {
	case now.set("rotation_period") || now.set("rotation_schedule"):
		return sinks.Errorf(sinks.Refused, op, "Vault rotates this key itself (rotation_period, rotation_schedule): only one of the two may")
	case now.set("identity_token_audience"):
		return sinks.Errorf(sinks.Refused, op, "the engine uses an identity token in place of a key")
	}
	return nil
}

// write sends back all that now shows, with cred in it.
func (s *sink) write(ctx context.Context, now root, cred sinks.Credential) (sinks.Receipt, error) {
	all := maps.Clone(now)
	if all == nil {
		all = root{}
	}
	all["access_key"], _ = json.Marshal(string(cred.KeyID))
	cred.Secret.Use(func(b []byte) { all["secret_key"], _ = json.Marshal(string(b)) })
	defer clear(all["secret_key"])
	at, err := s.call.Put(ctx, s.op("write"), s.cfg.path(), all, nil)
	return sinks.Receipt{At: at}, err
}
