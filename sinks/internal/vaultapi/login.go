package vaultapi

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/vault/api"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// login gets tokens, one caller at a time. A generation counts them, so that callers
// who were denied side by side do not log in again one after the other.
type login struct {
	kind   string
	turn   chan struct{} // holds one element while nobody is at it
	given  secret.Ref    // a token that somebody else renews; else method is used
	method *method
	gen    int
	last   secret.Text
	ends   time.Time // zero: not known, or never
}

// method is a way to log in.
type method struct {
	mount string
	// body is what is sent: read anew each time, because files and agents renew it.
	body func(context.Context) (map[string]string, error)
}

// serviceAccount is where Kubernetes mounts a pod's token.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// newLogin reads the secrets once, so that one that is missing is noticed now.
func newLogin(ctx context.Context, kind string, at Server) (*login, error) {
	l := &login{kind: kind, turn: make(chan struct{}, 1), given: at.Token, method: methodOf(kind, at)}
	l.turn <- struct{}{}
	if l.method == nil {
		t, err := l.given.Resolve(ctx)
		if err != nil {
			return nil, sinks.Errorf(sinks.Denied, l.kind+": token", "%w", err)
		}
		t.Wipe()
		return l, nil
	}
	_, err := l.method.body(ctx)
	return l, err
}

// Source: the API pages of the auth methods AppRole, Kubernetes and JWT/OIDC.
func methodOf(kind string, at Server) *method {
	switch {
	case at.AppRole != nil:
		a := *at.AppRole
		return &method{cmp.Or(a.Mount, "approle"), func(ctx context.Context) (map[string]string, error) {
			id, err := reveal(ctx, kind+": approle.secret_id", a.SecretID)
			return map[string]string{"role_id": a.RoleID, "secret_id": id}, err
		}}
	case at.Kubernetes != nil:
		k := *at.Kubernetes
		ref := secret.Ref{File: cmp.Or(k.TokenPath, serviceAccount)}
		return &method{cmp.Or(k.Mount, "kubernetes"), func(ctx context.Context) (map[string]string, error) {
			token, err := reveal(ctx, kind+": kubernetes.token_path", ref)
			return map[string]string{"role": k.Role, "jwt": token}, err
		}}
	case at.JWT != nil:
		j := *at.JWT
		return &method{cmp.Or(j.Mount, "jwt"), func(ctx context.Context) (map[string]string, error) {
			token, err := reveal(ctx, kind+": jwt.token", j.Token)
			return map[string]string{"role": j.Role, "jwt": token}, err
		}}
	}
	return nil
}

func reveal(ctx context.Context, op string, ref secret.Ref) (string, error) {
	t, err := ref.Resolve(ctx)
	if err != nil {
		return "", sinks.Errorf(sinks.Denied, op, "%w", err)
	}
	defer t.Wipe()
	return t.Reveal(), nil
}

// ensure sees to it that c has a token, and returns its generation.
func (l *login) ensure(ctx context.Context, c *Client) (int, error) {
	if err := l.enter(ctx); err != nil {
		return 0, err
	}
	defer l.exit()
	if l.gen > 0 && (l.ends.IsZero() || time.Now().Before(l.ends)) {
		return l.gen, nil
	}
	return l.fresh(ctx, c)
}

// renew replaces the token of generation used, unless somebody already has. The same generation
// comes back if there is no other token to be had.
func (l *login) renew(ctx context.Context, c *Client, used int) (int, error) {
	if err := l.enter(ctx); err != nil {
		return 0, err
	}
	defer l.exit()
	if l.gen != used {
		return l.gen, nil
	}
	return l.fresh(ctx, c)
}

func (l *login) enter(ctx context.Context) error {
	select {
	case <-l.turn:
		return nil
	case <-ctx.Done():
		return sinks.Errorf(sinks.Temporary, l.kind+": log in", "%w", context.Cause(ctx))
	}
}

func (l *login) exit() { l.turn <- struct{}{} }

// fresh gets a token and gives it to the client.
func (l *login) fresh(ctx context.Context, c *Client) (int, error) {
	token, ends, err := l.obtain(ctx, c)
	if err != nil {
		return 0, err
	}
	if l.method == nil && token.Equal(l.last) && l.gen > 0 {
		return l.gen, nil
	}
	l.last.Wipe()
	l.last, l.ends = token, ends
	l.gen++
	c.api.SetToken(token.Reveal())
	return l.gen, nil
}

func (l *login) obtain(ctx context.Context, c *Client) (token secret.Text, ends time.Time, err error) {
	if l.method == nil {
		if token, err = l.given.Resolve(ctx); err != nil {
			err = sinks.Errorf(sinks.Denied, l.kind+": token", "%w", err)
		}
		return token, time.Time{}, err
	}
	return l.method.login(ctx, c)
}

func (m *method) login(ctx context.Context, c *Client) (secret.Text, time.Time, error) {
	op := c.kind + ": log in at auth/" + m.mount
	fields, err := m.body(ctx)
	if err != nil {
		return secret.Text{}, time.Time{}, err
	}
	payload, err := json.Marshal(fields)
	if err != nil {
		return secret.Text{}, time.Time{}, sinks.Errorf(sinks.Refused, op, "the request cannot be written as JSON")
	}
	defer clear(payload)
	var got struct {
		Auth struct {
			ClientToken   string `json:"client_token"`
			LeaseDuration int    `json:"lease_duration"`
		} `json:"auth"`
	}
	_, err = c.once(ctx, op, func(ctx context.Context) (*api.Response, error) {
		return c.api.Logical().WriteRawWithContext(ctx, "auth/"+m.mount+"/login", payload)
	}, &got)
	switch class := sinks.ClassOf(err); {
	case class == sinks.Refused || class == sinks.Denied:
		// Which of 400 and 403 answers a wrong secret depends on the method.
		return secret.Text{}, time.Time{}, sinks.Errorf(sinks.Denied, op, "the role or its secret is not accepted")
	case err != nil:
		return secret.Text{}, time.Time{}, err
	case got.Auth.ClientToken == "":
		return secret.Text{}, time.Time{}, sinks.Errorf(sinks.Denied, op, "the answer holds no token")
	}
	return secret.FromString(got.Auth.ClientToken), ending(time.Duration(got.Auth.LeaseDuration) * time.Second), nil
}

// ending is a little before the end of a lease; zero if it has none.
func ending(lease time.Duration) time.Time {
	if lease <= 0 {
		return time.Time{}
	}
	return time.Now().Add(lease - min(lease/10, time.Minute))
}
