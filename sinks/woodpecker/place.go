package woodpecker

import (
	"context"
	"net/http"
	"strconv"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// place is where secrets lie.
type place struct {
	path   string // of the list of secrets
	id     int64  // of the repository or the organization
	active bool   // of a repository: it runs pipelines
}

// place looks the number of the repository or the organization up.
func (s *store) place(ctx context.Context) (place, error) {
	kind, name := "repos", s.cfg.Repository
	switch {
	case s.cfg.Global:
		return place{path: "/secrets"}, nil
	case s.cfg.Organization != "":
		kind, name = "orgs", s.cfg.Organization
	}
	op := "woodpecker: look up " + s.cfg.name()
	var got struct {
		ID     int64 `json:"id"`
		Active bool  `json:"active"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/" + kind + "/lookup/" + name, Explain: s.explain(op)}, &got); err != nil {
		return place{}, err
	}
	if got.ID <= 0 {
		return place{}, sinks.Errorf(sinks.Missing, op, "the server does not tell its number")
	}
	return place{path: secretsOf(kind, got.ID), id: got.ID, active: got.Active}, nil
}

func secretsOf(kind string, id int64) string {
	return "/" + kind + "/" + strconv.FormatInt(id, 10) + "/secrets"
}

// explain says what a failure means here. The server answers 404 for a repository to which the user may not push.
func (s *store) explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		failed := &httpapi.StatusError{Status: status}
		switch status {
		case http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "%w: the token's user must be an administrator of %s", failed, s.cfg.name())
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%w: %s does not exist, or the token's user may not push to it", failed, s.cfg.name())
		}
		return nil
	}
}
