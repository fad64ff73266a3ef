package vault

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/vaultapi"
)

// current is what the secret holds now.
type current struct {
	fields  map[string]json.RawMessage // nil if there is none, or it is deleted
	version int                        // 0: there never was one, or the store has no versions
	created time.Time
	deleted bool // there are versions, but the newest is deleted or destroyed
}

// text is a field that is a JSON string.
func (c current) text(field string) (string, bool) {
	var s string
	if c.fields[field] == nil || json.Unmarshal(c.fields[field], &s) != nil {
		return "", false
	}
	return s, true
}

// metadata of a version. Source: "KV secrets engine - version 2 (API)".
type metadata struct {
	Version      int       `json:"version"`
	CreatedTime  time.Time `json:"created_time"`
	DeletionTime string    `json:"deletion_time"`
}

// read gets the newest version.
func (s *sink) read(ctx context.Context) (current, error) {
	op := "vault: read " + s.name()
	kv, err := s.version(ctx, op)
	if err != nil {
		return current{}, err
	}
	if kv == 1 {
		var got struct {
			Data map[string]json.RawMessage `json:"data"`
		}
		err := s.call.Get(ctx, op, s.path(kv), &got)
		if vaultapi.IsNothing(err) {
			err = nil
		}
		return current{fields: got.Data}, err
	}
	var got struct {
		Data struct {
			Data     map[string]json.RawMessage `json:"data"`
			Metadata metadata                   `json:"metadata"`
		} `json:"data"`
	}
	err = s.call.Get(ctx, op, s.path(kv), &got)
	if vaultapi.IsNothing(err) {
		err = nil
	}
	d := got.Data
	return current{
		fields: d.Data, version: d.Metadata.Version, created: d.Metadata.CreatedTime,
		deleted: d.Metadata.Version > 0 && d.Data == nil,
	}, err
}

// write replaces the secret, which was now, by one that holds cred.
func (s *sink) write(ctx context.Context, now current, cred sinks.Credential) (sinks.Receipt, error) {
	op := "vault: write " + s.name()
	kv, err := s.version(ctx, op)
	if err != nil {
		return sinks.Receipt{}, err
	}
	fields := s.merged(now, cred)
	if kv == 1 {
		at, err := s.call.Put(ctx, op, s.path(kv), fields, nil)
		return receipt(0, at), err
	}
	body := map[string]any{"data": fields, "options": map[string]int{"cas": now.version}}
	var got struct {
		Data metadata `json:"data"`
	}
	if _, err := s.call.Put(ctx, op, s.path(kv), body, &got); err != nil {
		return sinks.Receipt{}, err
	}
	return receipt(got.Data.Version, got.Data.CreatedTime), nil
}

// path is where the secret lies in the API.
func (s *sink) path(kv int) string {
	if kv == 1 {
		return s.cfg.Mount + "/" + s.cfg.Path
	}
	return s.cfg.Mount + "/data/" + s.cfg.Path
}

// version is that of the store, configured or asked for once.
func (s *sink) version(ctx context.Context, op string) (int, error) {
	if v := s.kv.Load(); v != 0 {
		return int(v), nil
	}
	v, err := s.detect(ctx, op)
	if err == nil {
		s.kv.Store(int32(v))
	}
	return v, err
}

// detect asks what is mounted, as Vault's own command does. Source: "/sys/internal/ui/mounts (API)".
func (s *sink) detect(ctx context.Context, op string) (int, error) {
	var got struct {
		Data struct {
			Path    string            `json:"path"`
			Type    string            `json:"type"`
			Options map[string]string `json:"options"`
		} `json:"data"`
	}
	err := s.call.Get(ctx, op, "sys/internal/ui/mounts/"+s.cfg.Mount, &got)
	if sinks.ClassOf(err) == sinks.Denied {
		return 0, s.hidden(ctx, op, err)
	}
	if err != nil {
		return 0, err
	}
	switch d := got.Data; {
	case !strings.HasSuffix("/"+strings.TrimRight(d.Path, "/"), "/"+s.cfg.Mount):
		return 0, sinks.Errorf(sinks.Missing, op, "nothing is mounted at %s", s.cfg.Mount)
	case d.Type != "kv" && d.Type != "generic":
		return 0, sinks.Errorf(sinks.Refused, op, "%s is not a key-value store", s.cfg.Mount)
	case d.Options["version"] == "2":
		return 2, nil
	}
	return 1, nil
}

// hidden tells a mount that does not exist from a token without rights: Vault denies both
// when it is asked for mounts, but only one when it is asked for the secret.
func (s *sink) hidden(ctx context.Context, op string, denied error) error {
	if err := s.call.Get(ctx, op, s.path(2), nil); sinks.ClassOf(err) == sinks.Missing && !vaultapi.IsNothing(err) {
		return err
	}
	return denied
}
