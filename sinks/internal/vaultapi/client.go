// Package vaultapi is what the kinds that write to a Vault or OpenBao share: how it is reached, how keyturn
// logs in, and what its failures mean.
//
//	c, err := vaultapi.New(ctx, "vault", cfg.Server, env)
//	err = c.Get(ctx, "vault: read secret/ci", "secret/data/ci", &got)
package vaultapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"keyturn/internal/pace"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// attempt bounds one request.
const attempt = 15 * time.Second

// Client makes authenticated requests. It is Vault's own client on keyturn's transport: bounded
// answers, no redirect to another host, no retry of its own, errors that repeat nothing.
// It is safe for concurrent use.
type Client struct {
	kind    string // begins its own errors
	address string
	api     *api.Client
	limiter *pace.Limiter
	login   *login
}

// New makes a Client for a kind. It reads the secrets of the login, and contacts nobody.
func New(ctx context.Context, kind string, at Server, env sinks.Env) (*Client, error) {
	hc, err := httpapi.HTTPClient(env.UserAgent, at.CACert)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	client, err := api.NewClient(&api.Config{
		Address: strings.TrimRight(at.Address, "/"), HttpClient: hc, DisableRedirects: true,
		CheckRetry: func(context.Context, *http.Response, error) (bool, error) { return false, nil },
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	// The client took these from the environment.
	client.ClearToken()
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	if at.Namespace != "" {
		client.SetNamespace(at.Namespace)
	}
	l, err := newLogin(ctx, kind, at)
	if err != nil {
		return nil, err
	}
	return &Client{kind: kind, address: at.Address, api: client, limiter: httpapi.Limiter(env, at.Address), login: l}, nil
}

// Get reads a path into out. A secret that is deleted is decoded too: then IsNothing holds of the error.
func (c *Client) Get(ctx context.Context, op, path string, out any) error {
	_, err := c.authenticated(ctx, op, func(ctx context.Context) (*api.Response, error) {
		return c.api.Logical().ReadRawWithContext(ctx, path)
	}, out)
	return err
}

// Put writes body to a path. The time is when Vault answered, by its own clock.
func (c *Client) Put(ctx context.Context, op, path string, body, out any) (time.Time, error) {
	payload, err := json.Marshal(body)
	if err != nil {
		return time.Time{}, sinks.Errorf(sinks.Refused, op, "the secret cannot be written as JSON")
	}
	defer clear(payload)
	return c.authenticated(ctx, op, func(ctx context.Context) (*api.Response, error) {
		return c.api.Logical().WriteRawWithContext(ctx, path, payload)
	}, out)
}

// authenticated makes a request with a token, and once more with a new one if it is denied.
func (c *Client) authenticated(ctx context.Context, op string, request func(context.Context) (*api.Response, error), out any) (time.Time, error) {
	used, err := c.login.ensure(ctx, c)
	if err != nil {
		return time.Time{}, err
	}
	at, err := c.once(ctx, op, request, out)
	if sinks.ClassOf(err) != sinks.Denied {
		return at, err
	}
	fresh, loginErr := c.login.renew(ctx, c, used)
	if loginErr != nil {
		return at, loginErr
	}
	if fresh == used {
		return at, err
	}
	return c.once(ctx, op, request, out)
}

// once makes a request when it is its turn.
func (c *Client) once(ctx context.Context, op string, request func(context.Context) (*api.Response, error), out any) (at time.Time, err error) {
	err = httpapi.Paced(ctx, c.limiter, op, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, attempt, fmt.Errorf("no answer within %v", attempt))
		defer cancel()
		resp, err := request(ctx)
		if resp != nil && resp.Body != nil {
			defer resp.Body.Close()
		}
		if resp != nil && resp.Response != nil {
			at = httpapi.Date(resp.Header)
		}
		if err != nil && !answered(err) {
			return httpapi.NetError(ctx, op, err)
		}
		raw, readErr := io.ReadAll(resp.Body) // bounded by the transport
		defer clear(raw)
		if readErr != nil {
			return httpapi.NetError(ctx, op, readErr)
		}
		if err != nil || resp.StatusCode > 299 {
			err = failure(op, resp.StatusCode, resp.Header, raw)
		}
		return decode(op, raw, out, err)
	})
	return at, err
}

// answered says whether err is an answer of Vault, and not the lack of one.
func answered(err error) bool {
	var r *api.ResponseError
	return errors.As(err, &r)
}

// failure is the error of an answer that is no success.
func failure(op string, status int, h http.Header, raw []byte) error {
	class, after := httpapi.ClassOf(status, h)
	err := error(&httpapi.StatusError{Status: status})
	var body answer
	// What is not Vault's JSON is a proxy's page: its 404 does not mean that nothing is stored.
	if json.Unmarshal(raw, &body) == nil && class != sinks.Throttled {
		if c, e := meaning(status, body); e != nil {
			class, err = c, e
		}
	}
	return &sinks.Error{Class: class, Op: op, Err: err, After: after}
}

// decode fills out from a success, or from the metadata of what is deleted.
func decode(op string, raw []byte, out any, err error) error {
	if err != nil && !IsNothing(err) || out == nil || len(bytes.TrimSpace(raw)) == 0 {
		return err
	}
	if json.Unmarshal(raw, out) != nil {
		return sinks.Errorf(sinks.Temporary, op, "the answer is not the JSON that was expected")
	}
	return err
}
