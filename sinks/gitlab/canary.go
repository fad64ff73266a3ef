package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// pipeline runs a pipeline with the pair. Source: "Pipelines API".
type pipeline struct {
	api    *httpapi.Client
	canary *sinks.CanaryConfig // nil: none
	path   string              // of the project that has it
	best   sinks.Evidence      // without it
}

func newPipeline(cfg *Config, api *httpapi.Client, canary *sinks.CanaryConfig) (*pipeline, error) {
	p := &pipeline{api: api, canary: canary, best: sinks.Exact}
	if cfg.Hidden {
		p.best = sinks.Stamped
	}
	if canary == nil {
		return p, nil
	}
	project := canary.Workflow
	if project == "" {
		project = cfg.Project
	}
	switch {
	case project == "" || !isPath(project):
		return nil, sinks.Errorf(sinks.Refused, "gitlab", "%w", sinks.Fieldf("canary.workflow", "must be the path of a project"))
	case canary.Ref == "":
		return nil, sinks.Errorf(sinks.Refused, "gitlab", "%w", sinks.Fieldf("canary.ref", "must not be empty"))
	}
	p.path = "/projects/" + url.PathEscape(project)
	return p, nil
}

// Best is canary only where one is configured.
func (p *pipeline) Best() sinks.Evidence {
	if p.canary == nil {
		return p.best
	}
	return sinks.Proven
}

// ran is a pipeline in an answer.
type ran struct {
	ID     int64  `json:"id"`
	Status string `json:"status"`
}

// StartCanary starts a pipeline that is told the key's id. The run is its number. An answer that is lost leaves a pipeline that
// nobody waits for.
func (p *pipeline) StartCanary(ctx context.Context, cred sinks.Credential) (string, error) {
	op := "gitlab: start a pipeline"
	if p.canary == nil {
		return "", sinks.Errorf(sinks.Refused, op, "no canary is configured")
	}
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: p.path + "/pipeline", Body: map[string]any{
		"ref":       p.canary.Ref,
		"variables": []map[string]string{{"key": "KEYTURN_KEY_ID", "value": string(cred.KeyID)}},
	}}
	r.Explain = func(status int, _ []byte) error {
		switch status {
		case http.StatusBadRequest:
			return sinks.Errorf(sinks.Refused, op, "no pipeline for this ref, no job in it, or the project does not let the token's role set pipeline variables (400)")
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "the project does not exist, or the token may not see it (404)")
		}
		return nil
	}
	var got ran
	if _, err := p.api.Do(ctx, r, &got); err != nil {
		return "", err
	}
	return strconv.FormatInt(got.ID, 10), nil
}

// CanaryResult is how the pipeline ended. One that failed is Refused.
func (p *pipeline) CanaryResult(ctx context.Context, run string) (bool, error) {
	op := "gitlab: look at pipeline " + run
	if p.canary == nil {
		return false, sinks.Errorf(sinks.Refused, op, "no canary is configured")
	}
	var got ran
	if _, err := p.api.Do(ctx, httpapi.Request{Op: op, Path: p.path + "/pipelines/" + url.PathEscape(run)}, &got); err != nil {
		return false, err
	}
	switch got.Status {
	case "success":
		return true, nil
	case "failed", "canceled", "skipped":
		return true, sinks.Errorf(sinks.Refused, op, "it ended as %s", got.Status)
	}
	return false, nil // created, preparing, pending, running, waiting for somebody
}
