package buildkite

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// builds runs a build with the pair. Source: REST API, "Builds".
type builds struct {
	api    *httpapi.Client
	canary *sinks.CanaryConfig // nil: none
	path   string
}

func newBuilds(cfg *Config, api *httpapi.Client, canary *sinks.CanaryConfig) (*builds, error) {
	b := &builds{api: api, canary: canary}
	switch {
	case canary == nil:
		return b, nil
	case !segment.MatchString(canary.Workflow):
		return nil, sinks.Errorf(sinks.Refused, "buildkite", "%w", sinks.Fieldf("canary.workflow", "must be the slug of a pipeline"))
	case canary.Ref == "":
		return nil, sinks.Errorf(sinks.Refused, "buildkite", "%w", sinks.Fieldf("canary.ref", "must not be empty"))
	}
	b.path = "/organizations/" + cfg.Organization + "/pipelines/" + canary.Workflow + "/builds"
	return b, nil
}

// Best is canary only where one is configured.
func (b *builds) Best() sinks.Evidence {
	if b.canary == nil {
		return sinks.Stamped
	}
	return sinks.Proven
}

// build is one in an answer.
type build struct {
	Number int64  `json:"number"`
	State  string `json:"state"`
}

// StartCanary starts a build that is told the key's id. The run is its number. An answer that is lost leaves a build that nobody waits
// for.
func (b *builds) StartCanary(ctx context.Context, cred sinks.Credential) (string, error) {
	op := "buildkite: start a build"
	if b.canary == nil {
		return "", sinks.Errorf(sinks.Refused, op, "no canary is configured")
	}
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: b.path, Body: map[string]any{
		"commit": "HEAD", "branch": b.canary.Ref, "message": "keyturn: does the new key work here?",
		"env": map[string]string{"KEYTURN_KEY_ID": string(cred.KeyID)},
	}}
	r.Explain = func(status int, _ []byte) error {
		switch status {
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "the pipeline does not exist, or the token may not see it (404)")
		case http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "the token needs the scopes read_builds and write_builds (403)")
		case http.StatusUnprocessableEntity:
			return sinks.Errorf(sinks.Refused, op, "the pipeline takes no build of this branch (422)")
		}
		return nil
	}
	var got build
	if _, err := b.api.Do(ctx, r, &got); err != nil {
		return "", err
	}
	return strconv.FormatInt(got.Number, 10), nil
}

// CanaryResult is how the build ended. One that failed is Refused.
func (b *builds) CanaryResult(ctx context.Context, run string) (bool, error) {
	op := "buildkite: look at build " + run
	if b.canary == nil {
		return false, sinks.Errorf(sinks.Refused, op, "no canary is configured")
	}
	var got build
	if _, err := b.api.Do(ctx, httpapi.Request{Op: op, Path: b.path + "/" + url.PathEscape(run)}, &got); err != nil {
		return false, err
	}
	switch got.State {
	case "passed":
		return true, nil
	case "failed", "canceled", "skipped", "not_run":
		return true, sinks.Errorf(sinks.Refused, op, "it ended as %s", got.State)
	}
	return false, nil // creating, scheduled, running, failing, canceling, blocked
}
