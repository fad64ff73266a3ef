package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// installation authenticates as an installation of a GitHub App: with a token of an hour, narrowed to what the sink
// needs, that it gets with a signed claim. Sources: "Generating a JSON Web Token (JWT) for a GitHub App", "Generating an
// installation access token for a GitHub App".
type installation struct {
	api    *httpapi.Client // authenticated by the claim
	op     string
	path   string
	narrow narrowing

	turn chan struct{} // holds an element while nobody is at it
	last secret.Text
	ends time.Time
}

// narrowing is what a token is to be good for.
type narrowing struct {
	Repositories []string          `json:"repositories,omitempty"`
	Permissions  map[string]string `json:"permissions,omitempty"`
}

// early is how long before its end a token is replaced: longer than a push takes.
const early = 10 * time.Minute

func newInstallation(ctx context.Context, cfg *Config, in scope, env sinks.Env) (*installation, error) {
	claim := claimer{cfg.App.ID, cfg.App.PrivateKey}
	if _, err := claim.key(ctx); err != nil {
		return nil, err
	}
	api, err := client(cfg, env, claim)
	if err != nil {
		return nil, err
	}
	i := &installation{
		api: api, op: "github: get a token for installation " + strconv.Itoa(cfg.App.Installation),
		path:   "/app/installations/" + strconv.Itoa(cfg.App.Installation) + "/access_tokens",
		narrow: narrowed(in, env.Canary != nil), turn: make(chan struct{}, 1),
	}
	i.turn <- struct{}{}
	return i, nil
}

// narrowed leaves a token no more than the scope needs, where GitHub has documented a name for that.
func narrowed(in scope, canary bool) (n narrowing) {
	if !in.shared() {
		n.Repositories = []string{in.repository}
	}
	if in.permission == nil {
		return n
	}
	n.Permissions = map[string]string{}
	for name, level := range in.permission {
		n.Permissions[name] = level
	}
	if canary {
		n.Permissions["actions"] = "write"
	}
	return n
}

// Authenticate adds the token.
func (i *installation) Authenticate(ctx context.Context, h http.Header) error {
	select {
	case <-i.turn:
	case <-ctx.Done():
		return sinks.Errorf(sinks.Temporary, i.op, "%w", context.Cause(ctx))
	}
	defer func() { i.turn <- struct{}{} }()
	if i.last.Empty() || time.Now().After(i.ends) {
		if err := i.renew(ctx); err != nil {
			return err
		}
	}
	h.Set("Authorization", "Bearer "+i.last.Reveal())
	return nil
}

func (i *installation) renew(ctx context.Context) error {
	var got struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	resp, err := i.api.Do(ctx, httpapi.Request{Op: i.op, Method: http.MethodPost, Path: i.path, Body: i.narrow, Repeatable: true}, &got)
	switch {
	case resp.Status == http.StatusUnauthorized:
		return sinks.Errorf(sinks.Denied, i.op, "the app's id or private key is not accepted, or the clock of this machine is wrong")
	case resp.Status == http.StatusUnprocessableEntity:
		return sinks.Errorf(sinks.Denied, i.op, "the app is not installed on the repository, or was not granted %s", i.narrow)
	case resp.Status == http.StatusNotFound:
		return sinks.Errorf(sinks.Denied, i.op, "the app has no such installation")
	case err != nil:
		return err
	case got.Token == "":
		return sinks.Errorf(sinks.Temporary, i.op, "the answer holds no token")
	}
	// GitHub's clock counts: what is left of the token by it is left by ours.
	left := got.ExpiresAt.Sub(resp.Date)
	if resp.Date.IsZero() {
		left = time.Until(got.ExpiresAt)
	}
	i.last, i.ends = secret.FromString(got.Token), time.Now().Add(left-early)
	return nil
}

// String lists the permissions, for an error.
func (n narrowing) String() string {
	text := ""
	for _, name := range []string{"secrets", "environments", "organization_secrets", "dependabot_secrets", "actions"} {
		if level := n.Permissions[name]; level != "" {
			text += ", " + name + ": " + level
		}
	}
	if text == "" {
		return "what it needs"
	}
	return text[2:]
}

// Forget drops a token that was refused.
func (i *installation) Forget(used http.Header) {
	<-i.turn
	defer func() { i.turn <- struct{}{} }()
	if used.Get("Authorization") == "Bearer "+i.last.Reveal() {
		i.last = secret.Text{}
	}
}

// claimer authenticates as the App itself.
type claimer struct {
	id  string
	ref secret.Ref
}

// Authenticate adds a claim that is good for nine minutes; it begins a minute ago, so that clocks may differ.
func (c claimer) Authenticate(ctx context.Context, h http.Header) error {
	key, err := c.key(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	claim, err := sign(key, map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": c.id})
	if err != nil {
		return sinks.Errorf(sinks.Denied, "github: app.private_key", "%w", err)
	}
	h.Set("Authorization", "Bearer "+claim)
	return nil
}

// Forget has nothing to forget: each claim is new.
func (claimer) Forget(http.Header) {}

func (c claimer) key(ctx context.Context) (*rsa.PrivateKey, error) {
	const op = "github: app.private_key"
	text, err := c.ref.Resolve(ctx)
	if err != nil {
		return nil, sinks.Errorf(sinks.Denied, op, "%w", err)
	}
	defer text.Wipe()
	var key *rsa.PrivateKey
	text.Use(func(b []byte) { key, err = parseKey(b) })
	if err != nil {
		return nil, sinks.Errorf(sinks.Denied, op, "%w", err)
	}
	return key, nil
}

var errNoKey = errors.New("it is not an RSA private key in PEM")

// parseKey reads the form that GitHub makes, and the one that other tools turn it into.
func parseKey(b []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errNoKey
	}
	defer clear(block.Bytes)
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := any.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errNoKey
	}
	return key, nil
}

// sign makes a JSON Web Token (RFC 7519) by RS256.
func sign(key *rsa.PrivateKey, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + b64.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a claim: %w", err)
	}
	return text + "." + b64.EncodeToString(signature), nil
}
