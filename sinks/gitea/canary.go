package gitea

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// canary starts a workflow and waits for its verdict.
type canary struct {
	api *httpapi.Client
	in  scope

	repository, workflow, ref string
}

// newCanary reads FILE, of the sink's repository, or OWNER/NAME/FILE.
func newCanary(api *httpapi.Client, cfg *Config, c sinks.CanaryConfig) (*canary, error) {
	repository, file := cfg.Repository, c.Workflow
	if i := strings.LastIndex(c.Workflow, "/"); i >= 0 {
		repository, file = c.Workflow[:i], c.Workflow[i+1:]
	}
	if !isRepository(repository) || !isName(file) {
		form := "the name of a workflow's file, or OWNER/NAME/FILE"
		if cfg.Repository == "" {
			form = "OWNER/NAME/FILE, because the sink is not a repository's"
		}
		return nil, sinks.Errorf(sinks.Refused, "gitea: canary", "workflow must be %s", form)
	}
	in := scopeOf(&Config{Repository: repository})
	in.who = "somebody who may write to the repository"
	return &canary{api, in, repository, file, c.Ref}, nil
}

// accessKeyID is the input that tells the workflow which key it should find. A workflow that declares no such input
// does not get it, and none minds.
const accessKeyID = "access_key_id"

// StartCanary starts the workflow. run is OWNER/NAME/ID.
func (c *canary) StartCanary(ctx context.Context, cred sinks.Credential) (run string, err error) {
	ref, err := c.branch(ctx)
	if err != nil {
		return "", err
	}
	last, err := c.newest(ctx)
	if err != nil {
		return "", err
	}
	op := "gitea: start " + c.workflow
	r := httpapi.Request{
		Op: op, Method: http.MethodPost, Path: c.in.path + "/actions/workflows/" + url.PathEscape(c.workflow) + "/dispatches",
		Query: url.Values{"return_run_details": {"true"}}, // Gitea 1.26
		Body: map[string]any{
			"ref": ref, "inputs": map[string]string{accessKeyID: string(cred.KeyID)},
			"return_run_info": true, // Forgejo
		},
		Explain: c.explainStart(op),
	}
	var raw []byte
	if _, err := c.api.Do(ctx, r, &raw); err != nil {
		return "", err
	}
	id := started(raw)
	for until := time.Now().Add(appears); id == 0; {
		if id, err = c.newest(ctx); err != nil {
			return "", err
		}
		if id > last {
			break
		}
		if id = 0; time.Now().After(until) || !httpapi.Sleep(ctx, appears/20) {
			return "", sinks.Errorf(sinks.Temporary, op, "the server does not show the run that it started")
		}
	}
	return c.repository + "/" + strconv.FormatInt(id, 10), nil
}

// appears is how long a run may take to be listed.
const appears = 5 * time.Second

// started is the id in the answer to a start: Gitea 1.26 and Forgejo tell it, in words of their own; 0 if it is not told.
func started(raw []byte) int64 {
	var told struct {
		Gitea   int64 `json:"workflow_run_id"`
		Forgejo int64 `json:"id"`
	}
	if json.Unmarshal(raw, &told) != nil {
		return 0
	}
	return max(told.Gitea, told.Forgejo)
}

// newest is the id of the workflow's last run that was started by hand; 0 if there is none, or the server lists none
// (Gitea before 1.25).
func (c *canary) newest(ctx context.Context) (id int64, err error) {
	op := "gitea: list the runs of " + c.workflow
	var got struct {
		Runs []struct {
			ID   int64  `json:"id"`
			Path string `json:"path"`
		} `json:"workflow_runs"`
	}
	r := httpapi.Request{Op: op, Path: c.in.path + "/actions/runs", Query: url.Values{"event": {"workflow_dispatch"}, "limit": {"20"}}, Explain: c.in.explain(op)}
	if _, err = c.api.Do(ctx, r, &got); httpapi.StatusOf(err) == http.StatusNotFound {
		return 0, nil
	}
	for _, run := range got.Runs {
		if strings.HasPrefix(run.Path, c.workflow+"@") {
			id = max(id, run.ID)
		}
	}
	return id, err
}

// branch is the configured one, or the repository's own.
func (c *canary) branch(ctx context.Context) (string, error) {
	if c.ref != "" {
		return c.ref, nil
	}
	const op = "gitea: look at the repository"
	var got struct {
		Branch string `json:"default_branch"`
	}
	_, err := c.api.Do(ctx, httpapi.Request{Op: op, Path: c.in.path, Explain: c.in.explain(op)}, &got)
	return got.Branch, err
}

// explainStart says more of a failure than its status does. Gitea answers 403 for a workflow that is disabled, too.
func (c *canary) explainStart(op string) func(int, []byte) error {
	return func(status int, body []byte) error {
		failed := &httpapi.StatusError{Status: status}
		switch status {
		case http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "%w: the workflow is disabled, or the token needs the scope %s and must be of %s", failed, c.in.token, c.in.who)
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%w: %s has no such workflow or branch, or the token may not see it", failed, c.in.name)
		}
		return nil
	}
}

// CanaryResult asks how the run went. Gitea tells a status and a conclusion, Forgejo puts both into the status.
func (c *canary) CanaryResult(ctx context.Context, run string) (done bool, err error) {
	i := strings.LastIndex(run, "/")
	if i < 0 || !isRepository(run[:i]) {
		return false, sinks.Errorf(sinks.Refused, "gitea: look at a run", "it is not one of this kind")
	}
	op := "gitea: look at run " + run[i+1:] + " of " + run[:i]
	r := httpapi.Request{Op: op, Path: "/repos/" + run[:i] + "/actions/runs/" + url.PathEscape(run[i+1:]), Explain: func(status int, _ []byte) error {
		if status == http.StatusNotFound {
			return sinks.Errorf(sinks.Missing, op, "%w: it is gone, or the token may not see it", &httpapi.StatusError{Status: status})
		}
		return nil
	}}
	var got struct {
		Status     string `json:"status"`
		Conclusion string `json:"conclusion"`
	}
	if _, err := c.api.Do(ctx, r, &got); err != nil {
		return false, err
	}
	verdict := got.Conclusion
	if verdict == "" {
		verdict = got.Status
	}
	switch verdict {
	case "success":
		return true, nil
	case "failure", "cancelled", "skipped":
		return true, sinks.Errorf(sinks.Refused, op, "it ended as %s", verdict)
	}
	return false, nil
}
