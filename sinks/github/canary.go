package github

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// validateCanary says what is wrong with a canary, which the configuration of the kind cannot know of.
func validateCanary(cfg *Config, c *sinks.CanaryConfig) error {
	if c == nil {
		return nil
	}
	var errs []error
	file, ref := c.Workflow, c.Ref
	if cfg.Organization != "" {
		var name string
		name, file, _ = strings.Cut(c.Workflow, "/")
		if !isName(name) {
			file = ""
		}
	}
	if !isName(file) {
		errs = append(errs, sinks.Fieldf("canary.workflow", "must be the name of a workflow's file; REPOSITORY/FILE for an organization"))
	}
	if ref == "" {
		errs = append(errs, sinks.Fieldf("canary.ref", "must not be empty"))
	}
	if cfg.Store != actions {
		errs = append(errs, sinks.Fieldf("canary", "needs store: actions"))
	}
	if err := errors.Join(errs...); err != nil {
		return sinks.Errorf(sinks.Refused, "github", "%w", err)
	}
	return nil
}

var errNoCanary = errors.New("no canary is configured")

// A run is journalled as its number, or, where GitHub did not tell it, as the nonce in its title.
const (
	byNumber = "run:"
	byNonce  = "nonce:"
)

// StartCanary dispatches the workflow, with the key id that it is to find. Source: the REST API's page "Workflows", "Create a workflow
// dispatch event".
func (s *sink) StartCanary(ctx context.Context, cred sinks.Credential) (run string, err error) {
	const op = "github: start the canary"
	if s.canary == nil {
		return "", &sinks.Error{Class: sinks.Refused, Op: op, Err: errNoCanary}
	}
	nonce := rand.Text()
	body := map[string]any{"ref": s.canary.Ref, "inputs": map[string]string{"access_key_id": string(cred.KeyID), "nonce": nonce}}
	if !s.store.cfg.isServer() {
		body["return_run_details"] = true
	}
	var raw []byte
	resp, err := s.store.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodPost, Path: s.workflow() + "/dispatches", Body: body}, &raw)
	if resp.Status == http.StatusUnprocessableEntity {
		return "", sinks.Errorf(sinks.Refused, op, "the workflow takes no dispatch on %s with the inputs key_id and nonce", s.canary.Ref)
	}
	if err != nil {
		return "", err
	}
	if id := runID(raw); id > 0 {
		return byNumber + strconv.FormatInt(id, 10), nil
	}
	return byNonce + nonce, nil
}

// workflow is the path of the workflow.
func (s *sink) workflow() string {
	return s.repository() + "/actions/workflows/" + url.PathEscape(s.canary.Workflow[strings.Index(s.canary.Workflow, "/")+1:])
}

func (s *sink) repository() string {
	if c := s.store.cfg; c.Organization != "" {
		name, _, _ := strings.Cut(s.canary.Workflow, "/")
		return "/repos/" + c.Organization + "/" + name
	}
	return "/repos/" + s.store.cfg.Repository
}

// CanaryResult says whether the run has ended; its error is of class Refused if it did not end well.
func (s *sink) CanaryResult(ctx context.Context, run string) (done bool, err error) {
	const op = "github: look at the canary"
	if s.canary == nil {
		return false, &sinks.Error{Class: sinks.Refused, Op: op, Err: errNoCanary}
	}
	got, err := s.find(ctx, op, run)
	switch {
	case err != nil || got == nil || got.Status != "completed":
		return false, err
	case got.Conclusion != "success":
		return true, sinks.Errorf(sinks.Refused, op, "run %d of %s did not succeed", got.ID, s.canary.Workflow)
	}
	return true, nil
}

type workflowRun struct {
	ID         int64  `json:"id"`
	Title      string `json:"display_title"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion"`
}

// find is the run; nil if it is not to be seen yet.
func (s *sink) find(ctx context.Context, op, run string) (*workflowRun, error) {
	if number, ok := strings.CutPrefix(run, byNumber); ok {
		var got workflowRun
		_, err := s.store.api.Do(ctx, httpapi.Request{Op: op, Path: s.repository() + "/actions/runs/" + url.PathEscape(number)}, &got)
		return &got, err
	}
	nonce, ok := strings.CutPrefix(run, byNonce)
	if !ok || nonce == "" {
		return nil, sinks.Errorf(sinks.Refused, op, "the journalled run is not one of this kind")
	}
	var page struct {
		Runs []workflowRun `json:"workflow_runs"`
	}
	// The newest come first.
	_, err := s.store.api.Do(ctx, httpapi.Request{
		Op: op, Path: s.workflow() + "/runs", Query: url.Values{"event": {"workflow_dispatch"}, "per_page": {"100"}},
	}, &page)
	if err != nil {
		return nil, err
	}
	for _, one := range page.Runs {
		if strings.Contains(one.Title, nonce) {
			return &one, nil
		}
	}
	return nil, nil
}

// runID is the number of the run in the answer to a dispatch; 0 if it tells none.
func runID(answer []byte) int64 {
	var got struct {
		ID int64 `json:"workflow_run_id"`
	}
	if json.Unmarshal(answer, &got) != nil {
		return 0
	}
	return got.ID
}
