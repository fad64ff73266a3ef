package hoop

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// connection is what the gateway shows of it. Source: the gateway's API description, "Connection".
type connection struct {
	values    map[string]value
	updated   time.Time // secrets_updated_at; zero if it is not told
	managedBy string
	now       time.Time // the gateway's clock
}

// value is one of a connection, as it came: a text in base64, or null where the organization hides it.
type value struct{ raw json.RawMessage }

func (v value) hidden() bool { return string(v.raw) == "null" }

// text is the value; ok is false if it is hidden, or no text in base64.
func (v value) text() (text secret.Text, ok bool) {
	var encoded string
	if v.hidden() || json.Unmarshal(v.raw, &encoded) != nil {
		return secret.Text{}, false
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return secret.Text{}, false
	}
	defer clear(b)
	return secret.New(b), true
}

func valueOf(text secret.Text) (v value) {
	text.Use(func(b []byte) { v.raw, _ = json.Marshal(base64.StdEncoding.EncodeToString(b)) })
	return v
}

// references begin a value that says in which other store the real one lies.
var references = []string{"_aws:", "_envjson:", "_vaultkv1:", "_vaultkv2:", "_aws_iam_rds:"}

func (v value) refers() bool {
	text, _ := v.text()
	found := false
	text.Use(func(b []byte) {
		for _, r := range references {
			found = found || strings.HasPrefix(string(b), r)
		}
	})
	return found
}

// key is the name of an environment variable in the map of values.
func key(variable string) string { return "envvar:" + variable }

func (s *sink) path() string { return "/connections/" + url.PathEscape(s.cfg.Connection) }

// read gets the connection.
func (s *sink) read(ctx context.Context) (connection, error) {
	op := "hoop: read connection " + s.cfg.Connection
	var got struct {
		Secret    map[string]json.RawMessage `json:"secret"`
		Updated   time.Time                  `json:"secrets_updated_at"`
		ManagedBy string                     `json:"managed_by"`
	}
	resp, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: s.path(), Explain: explain(op)}, &got)
	if err != nil {
		return connection{}, err
	}
	c := connection{values: map[string]value{}, updated: got.Updated.UTC(), managedBy: got.ManagedBy, now: resp.Date}
	for name, raw := range got.Secret {
		c.values[name] = value{raw}
	}
	return c, nil
}

// writable says why the connection cannot be written to.
func (s *sink) writable(c connection) error {
	op := "hoop: look at connection " + s.cfg.Connection
	if c.managedBy != "" {
		return sinks.Errorf(sinks.Refused, op, "its agent manages it: nobody else can write to it")
	}
	for _, name := range []string{s.cfg.Variables.AccessKeyID, s.cfg.Variables.SecretAccessKey} {
		if c.values[key(name)].refers() {
			return sinks.Errorf(sinks.Refused, op, "%s refers to another store: write the pair to that one", name)
		}
	}
	return nil
}

// write replaces the values of c by the same with cred among them. The answer is not looked at: it shows values of the
// resource above the connection, too.
func (s *sink) write(ctx context.Context, c connection, cred sinks.Credential) error {
	all := map[string]json.RawMessage{}
	for name, v := range c.values {
		all[name] = v.raw
	}
	delete(all, key(s.cfg.Variables.SessionToken))
	all[key(s.cfg.Variables.AccessKeyID)] = valueOf(secret.FromString(string(cred.KeyID))).raw
	all[key(s.cfg.Variables.SecretAccessKey)] = valueOf(cred.Secret).raw
	op := "hoop: write connection " + s.cfg.Connection
	r := httpapi.Request{Op: op, Method: http.MethodPatch, Path: s.path(), Body: map[string]any{"secret": all}, Repeatable: true, Explain: explain(op)}
	_, err := s.api.Do(ctx, r, nil)
	return err
}

// explain says what a failure means here.
func explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		failed := &httpapi.StatusError{Status: status}
		switch status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "%w: the token is not valid, or not of an administrator", failed)
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%w: there is no such connection, or the token may not see it", failed)
		}
		return nil
	}
}
