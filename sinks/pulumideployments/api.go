package pulumideployments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Source of all requests: "Pulumi Cloud REST API", "Deployments".

// settings are what Pulumi tells of a stack's settings, as far as it matters here.
type settings struct {
	Version          json.RawMessage `json:"version"`
	Tag              string          `json:"tag"`
	OperationContext struct {
		EnvironmentVariables map[string]json.RawMessage `json:"environmentVariables"`
		OIDC                 struct {
			AWS json.RawMessage `json:"aws"`
		} `json:"oidc"`
	} `json:"operationContext"`
}

// version is what moves with each change; "" if it is not told.
func (s settings) version() string {
	if v := strings.Trim(string(s.Version), `"`); v != "" && v != "null" && v != "0" {
		return v
	}
	return s.Tag
}

// oidc says whether the stack gets AWS credentials of its own.
func (s settings) oidc() bool {
	aws := string(s.OperationContext.OIDC.AWS)
	return aws != "" && aws != "null" && aws != "{}"
}

// variable is one as it is shown.
type variable struct {
	there      bool
	shown      bool // it is no secret
	text       string
	ciphertext string
}

func (s settings) variable(name string) (v variable) {
	raw, ok := s.OperationContext.EnvironmentVariables[name]
	if !ok || string(raw) == "null" {
		return variable{}
	}
	if json.Unmarshal(raw, &v.text) == nil {
		return variable{there: true, shown: true, text: v.text}
	}
	var hidden struct {
		Ciphertext string `json:"ciphertext"`
	}
	_ = json.Unmarshal(raw, &hidden) // another form shows nothing
	return variable{there: true, ciphertext: hidden.Ciphertext}
}

// fingerprint is of the ciphertext; "" if there is none.
func (v variable) fingerprint() string {
	if v.ciphertext == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(v.ciphertext))
	return hex.EncodeToString(sum[:8])
}

func accept(_ context.Context, h http.Header) error {
	h.Set("Accept", "application/vnd.pulumi+8")
	return nil
}

func (s *sink) stack() string {
	return "/api/stacks/" + url.PathEscape(s.cfg.Organization) + "/" + url.PathEscape(s.cfg.Project) + "/" + url.PathEscape(s.cfg.Stack)
}

func (s *sink) read(ctx context.Context) (now settings, err error) {
	op := "pulumi-deployments: read " + s.cfg.name()
	_, err = s.api.Do(ctx, httpapi.Request{Op: op, Path: s.stack() + "/deployments/settings", Explain: explain(op, "the stack has no deployment settings, or the token may not see them")}, &now)
	return now, err
}

// patch merges the pair into the settings, and returns them as they are then. It may be repeated.
func (s *sink) patch(ctx context.Context, cred sinks.Credential) (now settings, at time.Time, err error) {
	type hidden struct {
		Secret string `json:"secret"`
	}
	var raw []byte
	v, op := s.cfg.Variables, "pulumi-deployments: write "+s.cfg.name()
	body := map[string]any{"operationContext": map[string]any{"environmentVariables": map[string]any{
		v.AccessKeyID: hidden{string(cred.KeyID)}, v.SecretAccessKey: hidden{cred.Secret.Reveal()}, v.SessionToken: nil,
	}}}
	resp, err := s.api.Do(ctx, httpapi.Request{
		Op: op, Method: http.MethodPost, Path: s.stack() + "/deployments/settings", Body: body, Repeatable: true,
		Explain: explain(op, "the stack does not exist, or the token may not see it"),
	}, &raw)
	if err != nil {
		return settings{}, time.Time{}, err
	}
	if json.Unmarshal(raw, &now) != nil || now.version() == "" { // not every version of the API answers with the settings
		now, err = s.read(ctx)
	}
	return now, resp.Date, err
}

// explain says what a status means here.
func explain(op, missing string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		switch status {
		case http.StatusBadRequest:
			return sinks.Errorf(sinks.Refused, op, "Pulumi does not accept the settings")
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%s", missing)
		}
		return nil
	}
}
