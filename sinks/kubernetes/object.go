package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// object is a Secret, as much of it as matters. Source: Kubernetes API, "Secret v1 core".
type object struct {
	Metadata  metadata          `json:"metadata"`
	Immutable bool              `json:"immutable"`
	Data      map[string][]byte `json:"data"`
	at        time.Time         // the server's clock when it answered
}

type metadata struct {
	ResourceVersion string  `json:"resourceVersion"`
	OwnerReferences []owner `json:"ownerReferences"`
	ManagedFields   []field `json:"managedFields"`
}

type owner struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Controller bool   `json:"controller"`
}

// field says which manager has which fields. Source: "Server-Side Apply", section "Field management".
type field struct {
	Manager   string `json:"manager"`
	Operation string `json:"operation"`
	Fields    struct {
		Data map[string]json.RawMessage `json:"f:data"`
	} `json:"fieldsV1"`
}

func (o object) there() bool { return o.Metadata.ResourceVersion != "" }

func (o object) receipt() sinks.Receipt {
	return sinks.Receipt{Stamp: o.Metadata.ResourceVersion, At: o.at}
}

// path is that of the Secret; its parts were validated and need no escape.
func (s *sink) path() string {
	return "/api/v1/namespaces/" + s.cfg.Namespace + "/secrets/" + s.cfg.Secret
}

// get reads the Secret. One that does not exist is the zero object.
func (s *sink) get(ctx context.Context) (now object, err error) {
	op := s.op("read")
	resp, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: s.path(), Explain: s.explain(op, "get")}, &now)
	now.at = resp.Date
	if errors.Is(err, errAbsent) {
		return object{}, nil
	}
	return now, err
}

// write replaces what now holds by cred, unless the Secret was changed since.
func (s *sink) write(ctx context.Context, now object, cred sinks.Credential) (object, error) {
	if _, token := now.Data[s.cfg.Variables.SessionToken]; token {
		return s.merge(ctx, now, cred)
	}
	return s.apply(ctx, now, cred, "write", nil)
}

// apply makes keyturn the manager of the two keys, with cred as their values. Source: "Server-Side Apply".
func (s *sink) apply(ctx context.Context, now object, cred sinks.Credential, verb string, more url.Values) (object, error) {
	body := map[string]any{
		"apiVersion": "v1", "kind": "Secret", "data": s.data(cred),
		"metadata": s.metadata(now),
	}
	query := url.Values{"fieldManager": {s.manager()}, "force": {"true"}}
	for name, values := range more {
		query[name] = values
	}
	return s.patch(ctx, now, verb, "application/apply-patch+yaml", query, body)
}

// merge writes cred and removes the session token in one request. An apply cannot do that: it removes only what
// keyturn itself has applied.
func (s *sink) merge(ctx context.Context, now object, cred sinks.Credential) (object, error) {
	data := s.data(cred)
	data[s.cfg.Variables.SessionToken] = nil // null removes; an empty value would not be nil
	body := map[string]any{"data": data, "metadata": s.metadata(now)}
	return s.patch(ctx, now, "write", "application/merge-patch+json", url.Values{"fieldManager": {s.manager()}}, body)
}

func (s *sink) patch(ctx context.Context, now object, verb, kind string, query url.Values, body any) (after object, err error) {
	op := s.op(verb)
	resp, err := s.api.Do(ctx, httpapi.Request{
		Op: op, Method: http.MethodPatch, Path: s.path(), Query: query, Body: body, Repeatable: true,
		Header: http.Header{"Content-Type": {kind}}, Explain: s.explain(op, "patch"),
	}, &after)
	after.at = resp.Date
	switch {
	case errors.Is(err, errAbsent):
		return after, sinks.Errorf(sinks.Conflict, op, "somebody else removed the Secret")
	case !now.there() && sinks.ClassOf(err) == sinks.Denied && resp.Status == http.StatusForbidden:
		return after, sinks.Errorf(sinks.Missing, op, "the Secret does not exist, and the account may not create it")
	}
	return after, err
}

// data is the pair; encoding/json writes the values in base64.
func (s *sink) data(cred sinks.Credential) map[string][]byte {
	v := s.cfg.Variables
	return map[string][]byte{
		v.AccessKeyID:     []byte(cred.KeyID),
		v.SecretAccessKey: []byte(cred.Secret.Reveal()),
	}
}

// metadata names the Secret, and the version that it must still have.
func (s *sink) metadata(now object) map[string]string {
	m := map[string]string{"name": s.cfg.Secret, "namespace": s.cfg.Namespace}
	if now.there() {
		m["resourceVersion"] = now.Metadata.ResourceVersion
	}
	return m
}

// manager is the field manager. An apply removes what its manager applied before and leaves out now: two
// pairs in one Secret need two.
func (s *sink) manager() string {
	if s.cfg.Variables == sinks.DefaultVariables {
		return "keyturn"
	}
	return "keyturn/" + s.cfg.Variables.AccessKeyID
}

// errAbsent is a 404 that is about the Secret itself.
var errAbsent = errors.New("the Secret does not exist")

// explain gives a failed answer a better class and text than its status has. What the server
// says is looked for known phrases and never repeated. Source: Kubernetes API, "Status v1 meta".
func (s *sink) explain(op, verb string) func(int, []byte) error {
	return func(code int, body []byte) error {
		var status struct {
			Kind    string `json:"kind"`
			Message string `json:"message"`
			Details struct {
				Kind string `json:"kind"`
			} `json:"details"`
		}
		_ = json.Unmarshal(body, &status)
		if status.Kind != "Status" {
			return nil // a proxy's page: its 404 does not mean that the Secret is absent
		}
		says := func(phrase string) bool { return strings.Contains(status.Message, phrase) }
		switch {
		case code == http.StatusUnauthorized:
			return sinks.Errorf(sinks.Denied, op, "the token or client certificate is not accepted")
		case code == http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "RBAC, a quota or an admission policy does not allow to %s the Secret", verb)
		case code == http.StatusNotFound && status.Details.Kind == "secrets":
			return sinks.Errorf(sinks.Missing, op, "%w", errAbsent)
		case code == http.StatusNotFound && status.Details.Kind == "namespaces":
			return sinks.Errorf(sinks.Missing, op, "the namespace does not exist")
		case code == http.StatusConflict:
			return sinks.Errorf(sinks.Conflict, op, "somebody else wrote at the same time")
		case code == http.StatusUnprocessableEntity && says("field is immutable when `immutable` is set"):
			return s.immutable(strings.Fields(op)[1])
		case code == http.StatusBadRequest && says("does not support dry run"):
			return sinks.Errorf(sinks.Refused, op, "%w", errNoDryRun)
		}
		return nil
	}
}
