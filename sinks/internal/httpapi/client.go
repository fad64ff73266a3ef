// Package httpapi is the one HTTP client of all sinks that speak HTTP.
//
// It gives every failure its class, keeps to what a store allows, repeats what may be
// repeated, and never shows a body, a header or a query: not in errors, not in logs.
//
//	auth, err := httpapi.Bearer(ctx, "github: token", cfg.Token)
//	c, err := httpapi.New(httpapi.Options{Base: cfg.URL, UserAgent: env.UserAgent, Auth: auth, Limiter: httpapi.Limiter(env, cfg.URL)})
//	_, err = c.Do(ctx, httpapi.Request{Op: "github: read the public key", Path: "/repos/acme/app/actions/secrets/public-key"}, &key)
package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"keyturn/internal/pace"
	"keyturn/sinks"
)

// Options of a Client.
type Options struct {
	Base      string // address that paths are appended to, without credentials or query
	UserAgent string
	CACert    string      // path of a PEM file with the roots to trust; "": the system's
	TLS       *tls.Config // in place of CACert, for client certificates and roots that are no file; nil: none
	Auth      Auth        // may be nil
	// Header adds other headers. It is called for every attempt.
	Header func(context.Context, http.Header) error
	// Explain may give a failure of any call a better class and text, in the store's terms; nil from it keeps them. A
	// Request's own Explain comes first. The text must be its own words: body can hold secrets.
	Explain func(op string, resp Response, body []byte) error
	Limiter *pace.Limiter // shared by all who call this store; nil: one of its own
	Attempt time.Duration // longest time for one attempt; 0: 15 s
}

// Client calls one store. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	http    *http.Client
	auth    Auth
	header  func(context.Context, http.Header) error
	explain func(op string, resp Response, body []byte) error
	limiter *pace.Limiter
	attempt time.Duration
}

// width is how many calls to one store run at once.
const width = 32

// New makes a Client. It contacts nobody.
func New(o Options) (*Client, error) {
	base, err := ParseBase(o.Base)
	if err != nil {
		return nil, err
	}
	hc, err := HTTPClient(o.UserAgent, o.CACert)
	if err != nil {
		return nil, err
	}
	if o.TLS != nil {
		hc = newHTTPClient(o.UserAgent, o.TLS.Clone())
	}
	c := &Client{base: base, http: hc, auth: o.Auth, header: o.Header, explain: o.Explain, limiter: o.Limiter, attempt: o.Attempt}
	if c.limiter == nil {
		c.limiter = pace.New(width)
	}
	if c.attempt == 0 {
		c.attempt = 15 * time.Second
	}
	return c, nil
}

// Limiter is the one that env has for the store at base, or a new one.
func Limiter(env sinks.Env, base string) *pace.Limiter {
	if env.Pace == nil {
		return pace.New(width)
	}
	return env.Pace(strings.TrimRight(base, "/"))
}

// ParseBase reads the address of a store. Its error does not repeat it: it may hold a password.
func ParseBase(base string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("must be an address that starts with https:// or http://")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("must hold no user, password, query or fragment")
	}
	return u, nil
}

// Unencrypted says whether calls to base can be read on the way: http to another machine.
func Unencrypted(base string) bool {
	u, err := url.Parse(base)
	return err == nil && plainHost(u.Scheme, u.Hostname())
}

// Request is one call.
type Request struct {
	Op     string // begins every error: "github: write secret AWS_ACCESS_KEY_ID"
	Method string // "" means GET
	Path   string // below Base, escaped (url.PathEscape), with a leading slash
	Query  url.Values
	Header http.Header
	Body   any // sent as JSON; []byte is sent as it is
	// Repeatable says that a POST or PATCH may be made again when its answer was lost. Other
	// methods may by nature.
	Repeatable bool
	// Explain may give a failure a better class and text than its status; nil keeps them. The
	// text must be its own words: body can hold secrets. How long to wait is read from the headers, if they say so.
	Explain func(status int, body []byte) error
}

// Response is what a caller may want of an answer besides its body. It is zero if there was none.
type Response struct {
	Status int
	Header http.Header
	Date   time.Time // the store's clock, zero if it does not tell it
}

// Do makes the call, waits its turn, repeats it while that is useful and ctx lasts, and decodes
// the JSON of a success into out (*[]byte takes the body as it is), unless out is nil. After a
// conflict the caller must read again, see [Retry]. Errors are *sinks.Error and hold neither body nor query.
func (c *Client) Do(ctx context.Context, r Request, out any) (resp Response, err error) {
	payload, err := encode(r.Body)
	if err != nil {
		return Response{}, sinks.Errorf(sinks.Refused, r.Op, "the request cannot be written as JSON")
	}
	defer clear(payload)
	once := func(ctx context.Context) error {
		return Paced(ctx, c.limiter, r.Op, func(ctx context.Context) (err error) {
			resp, err = c.authenticated(ctx, r, payload, out)
			return err
		})
	}
	if repeatable(r) {
		err = retry(ctx, once, again)
	} else {
		err = once(ctx)
	}
	return resp, err
}

func repeatable(r Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPatch:
		return r.Repeatable
	}
	return true
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return bytes.Clone(b), nil
	}
	return json.Marshal(body)
}

// authenticated is an attempt, and one more if there is another token in place of one that was refused.
func (c *Client) authenticated(ctx context.Context, r Request, payload []byte, out any) (Response, error) {
	used, err := c.headers(ctx)
	if err != nil {
		return Response{}, err
	}
	resp, err := c.once(ctx, r, used, payload, out)
	if c.auth == nil || resp.Status != http.StatusUnauthorized {
		return resp, err
	}
	c.auth.Forget(used)
	fresh, failed := c.headers(ctx)
	if failed != nil || maps.EqualFunc(used, fresh, slices.Equal) {
		return resp, err
	}
	return c.once(ctx, r, fresh, payload, out)
}

func (c *Client) headers(ctx context.Context) (http.Header, error) {
	h := http.Header{}
	if c.header != nil {
		if err := c.header(ctx, h); err != nil {
			return nil, err
		}
	}
	if c.auth != nil {
		if err := c.auth.Authenticate(ctx, h); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// once is one request.
func (c *Client) once(ctx context.Context, r Request, h http.Header, payload []byte, out any) (Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.attempt, fmt.Errorf("no answer within %v", c.attempt))
	defer cancel()
	req, err := c.request(ctx, r, h, payload)
	if err != nil {
		return Response{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Response{}, NetError(ctx, r.Op, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return Response{}, NetError(ctx, r.Op, err)
	}
	defer clear(raw)
	answered := Response{Status: resp.StatusCode, Header: resp.Header, Date: Date(resp.Header)}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return answered, c.failure(r, answered, raw)
	}
	if err := decode(raw, out); err != nil {
		return Response{}, sinks.Errorf(sinks.Temporary, r.Op, "%w", err)
	}
	return answered, nil
}

func (c *Client) request(ctx context.Context, r Request, h http.Header, payload []byte) (*http.Request, error) {
	address := c.base.String() + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address, bytes.NewReader(payload))
	if err != nil {
		return nil, sinks.Errorf(sinks.Refused, r.Op, "the path or the method is not legal")
	}
	req.Header.Set("Accept", "application/json")
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(req.Header, h)
	maps.Copy(req.Header, r.Header)
	return req, nil
}

// failure is the error of an answer that is not a success.
func (c *Client) failure(r Request, resp Response, raw []byte) error {
	var err error
	if r.Explain != nil {
		err = r.Explain(resp.Status, raw)
	}
	if err == nil && c.explain != nil {
		err = c.explain(r.Op, resp, raw)
	}
	if err != nil {
		return told(err, resp.Header)
	}
	class, after := ClassOf(resp.Status, resp.Header)
	return &sinks.Error{Class: class, Op: r.Op, Err: &StatusError{resp.Status}, After: after}
}

// told puts what the headers ask for in place of what an explanation of throttling assumed.
func told(err error, h http.Header) error {
	var e *sinks.Error
	if after := After(h); errors.As(err, &e) && e.Class == sinks.Throttled && after > 0 {
		e.After = after
	}
	return err
}

// decode never says what it could not read.
func decode(raw []byte, out any) error {
	switch o := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*o = bytes.Clone(raw)
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("the answer is not the JSON that was expected")
	}
	return nil
}
