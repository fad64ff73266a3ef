package github

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// secondary is how long to wait after a secondary limit that does not say.
// Source: "Rate limits for the REST API", "Exceeding the rate limit".
const secondary = time.Minute

var (
	errHidden   = errors.New("404 Not Found: it does not exist, or the token may not see it")
	errTooFast  = errors.New("GitHub's secondary rate limit")
	errReadOnly = errors.New("the repository is archived")
	errSSO      = errors.New("the token is not authorized for the organization's single sign-on")
)

// explain says in GitHub's terms why a call failed.
func explain(op string, resp httpapi.Response, body []byte) error {
	forbidden := resp.Status == http.StatusForbidden
	fail := func(class sinks.Class, err error) *sinks.Error { return &sinks.Error{Class: class, Op: op, Err: err} }
	switch {
	case (forbidden || resp.Status == http.StatusTooManyRequests) && bytes.Contains(body, []byte("secondary rate limit")):
		err := fail(sinks.Throttled, errTooFast)
		err.After = secondary
		return err
	case forbidden && bytes.Contains(body, []byte("archived")):
		return fail(sinks.Refused, errReadOnly)
	case forbidden && resp.Header.Get("X-GitHub-SSO") != "":
		return fail(sinks.Denied, errSSO)
	case resp.Status == http.StatusNotFound:
		return fail(sinks.Missing, errHidden)
	}
	return nil
}
