package circleci

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// pipeline runs a pipeline with the pair. Source: API v2, "Pipeline".
type pipeline struct {
	api        *httpapi.Client
	canary     *sinks.CanaryConfig // nil: none
	project    string
	definition string // of the pipeline, where the project does not say it
}

func newPipeline(cfg *Config, api *httpapi.Client, canary *sinks.CanaryConfig) (*pipeline, error) {
	p := &pipeline{api: api, canary: canary}
	if canary == nil {
		return p, nil
	}
	p.project, p.definition, _ = strings.Cut(canary.Workflow, "#")
	if p.project == "" {
		p.project = cfg.Project
	}
	switch {
	case !isSlug(p.project, 3) || p.definition != "" && !isID.MatchString(p.definition):
		return nil, sinks.Errorf(sinks.Refused, "circleci", "%w", sinks.Fieldf("canary.workflow", "must be VCS/ORGANIZATION/PROJECT, with #DEFINITION-ID where one is needed"))
	case canary.Ref == "":
		return nil, sinks.Errorf(sinks.Refused, "circleci", "%w", sinks.Fieldf("canary.ref", "must not be empty"))
	}
	return p, nil
}

// Best is canary only where one is configured.
func (p *pipeline) Best() sinks.Evidence {
	if p.canary == nil {
		return sinks.Partial
	}
	return sinks.Proven
}

// StartCanary starts a pipeline that is told the key's id. An answer that is lost leaves a pipeline that nobody waits for.
func (p *pipeline) StartCanary(ctx context.Context, cred sinks.Credential) (string, error) {
	op := "circleci: start a pipeline"
	if p.canary == nil {
		return "", sinks.Errorf(sinks.Refused, op, "no canary is configured")
	}
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: "/project/" + p.project + "/pipeline"}
	parameters := map[string]string{"keyturn_key_id": string(cred.KeyID)}
	branch := map[string]string{"branch": p.canary.Ref}
	r.Body = map[string]any{"branch": p.canary.Ref, "parameters": parameters}
	if p.definition != "" {
		r.Path += "/run"
		r.Body = map[string]any{"definition_id": p.definition, "config": branch, "checkout": branch, "parameters": parameters}
	}
	r.Explain = func(status int, body []byte) error {
		if status == http.StatusBadRequest {
			return sinks.Errorf(sinks.Refused, op, "the project cannot be started so, or its configuration does not declare the parameter keyturn_key_id (400)")
		}
		return explain(op)(status, body)
	}
	var got struct {
		ID string `json:"id"`
	}
	if _, err := p.api.Do(ctx, r, &got); err != nil {
		return "", err
	}
	return got.ID, nil
}

// CanaryResult is how the pipeline's workflows ended. One that failed is Refused. A pipeline has none while its configuration is set up.
func (p *pipeline) CanaryResult(ctx context.Context, run string) (bool, error) {
	op := "circleci: look at pipeline " + run
	if p.canary == nil {
		return false, sinks.Errorf(sinks.Refused, op, "no canary is configured")
	}
	var got struct {
		State string `json:"state"`
	}
	if _, err := p.api.Do(ctx, httpapi.Request{Op: op, Path: "/pipeline/" + url.PathEscape(run)}, &got); err != nil {
		return false, err
	}
	if got.State == "errored" {
		return true, sinks.Errorf(sinks.Refused, op, "it ended as errored")
	}
	if got.State != "created" {
		return false, nil
	}
	type workflow struct {
		Status string `json:"status"`
	}
	all, _, err := list[workflow](ctx, p.api, httpapi.Request{Op: op, Path: "/pipeline/" + url.PathEscape(run) + "/workflow"})
	if err != nil {
		return false, err
	}
	passed := 0
	for _, w := range all {
		switch w.Status {
		case "success":
			passed++
		case "failed", "error", "canceled", "unauthorized", "not_run":
			return true, sinks.Errorf(sinks.Refused, op, "it ended as %s", w.Status)
		}
	}
	return len(all) > 0 && passed == len(all), nil
}
