package vault

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"keyturn/sinks"
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
		err := s.call.get(ctx, op, s.path(kv), &got)
		if isNothing(err) {
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
	err = s.call.get(ctx, op, s.path(kv), &got)
	if isNothing(err) {
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
		at, err := s.call.put(ctx, op, s.path(kv), fields, nil)
		return receipt(0, at), err
	}
	body := map[string]any{"data": fields, "options": map[string]int{"cas": now.version}}
	var got struct {
		Data metadata `json:"data"`
	}
	if _, err := s.call.put(ctx, op, s.path(kv), body, &got); err != nil {
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
	err := s.call.get(ctx, op, "sys/internal/ui/mounts/"+s.cfg.Mount, &got)
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
	if err := s.call.get(ctx, op, s.path(2), nil); sinks.ClassOf(err) == sinks.Missing && !isNothing(err) {
		return err
	}
	return denied
}

// answer is what Vault says of a failure: errors, or what it knows of a deleted version.
type answer struct {
	Errors []string        `json:"errors"`
	Data   json.RawMessage `json:"data"`
}

// errNothing is a 404 of a path that Vault knows: nothing is stored there, or it is deleted.
var errNothing = errors.New("nothing is stored there")

func isNothing(err error) bool { return errors.Is(err, errNothing) }

// meaning gives a failed answer a better class and text than its status has. What Vault
// says is looked for known phrases and never repeated.
func meaning(status int, a answer) (sinks.Class, error) {
	has := func(phrase string) bool { return strings.Contains(strings.Join(a.Errors, "\n"), phrase) }
	switch {
	case status == http.StatusBadRequest && has("check-and-set parameter did not match"):
		return sinks.Conflict, errors.New("somebody else wrote at the same time")
	case status == http.StatusBadRequest && has("Upgrading from non-versioned to versioned"):
		return sinks.Temporary, errors.New("the store is being upgraded to version 2")
	case status == http.StatusNotFound && has("no handler for route"):
		return sinks.Missing, errors.New("nothing is mounted there")
	case status == http.StatusNotFound && len(a.Errors) == 0 && (a.Errors != nil || a.Data != nil):
		return sinks.Missing, errNothing
	case status == http.StatusServiceUnavailable && has("Vault is sealed"):
		return sinks.Temporary, errors.New("the Vault is sealed")
	case status == http.StatusForbidden:
		return sinks.Denied, errors.New("the token is not valid, or its policies do not allow it")
	}
	return sinks.Unclassified, nil
}
