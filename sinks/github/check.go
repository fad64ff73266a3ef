package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check asks what GitHub tells without being written to: that the token sees the scope's public key, what it may do, and
// who else defines the same names.
func (s *store) Check(ctx context.Context, names []string, _ map[string]vars.Seen) ([]sinks.Warning, error) {
	_, resp, err := s.publicKey(ctx)
	if err != nil {
		return nil, err
	}
	warnings, err := s.checkToken(resp)
	if err != nil {
		return nil, err
	}
	if s.in.shared() {
		more, err := s.checkCrowd(ctx, names)
		return append(warnings, more...), err
	}
	if err := s.checkRepository(ctx); err != nil {
		return nil, err
	}
	more, err := s.checkEnvironments(ctx, names)
	return append(warnings, more...), err
}

// checkToken reads what the headers of an answer say of the token. A classic one names its scopes; that of an App was
// made for this; a fine-grained one is silent. Sources: "Scopes for OAuth apps", "Managing your personal access tokens".
func (s *store) checkToken(resp httpapi.Response) ([]sinks.Warning, error) {
	if s.cfg.App != nil {
		return nil, nil
	}
	scopes, classic := resp.Header["X-Oauth-Scopes"]
	if !classic {
		return append(httpapi.Expiring("github", expiry(resp.Header), resp.Date),
			"github: GitHub does not tell whether a fine-grained token may write, and so it is not known before the first push"), nil
	}
	has := strings.FieldsFunc(strings.Join(scopes, ","), func(r rune) bool { return r == ',' || r == ' ' })
	if !slices.Contains(has, s.in.classic) {
		return nil, sinks.Errorf(sinks.Denied, "github: check the token", "it lacks the scope %s", s.in.classic)
	}
	return httpapi.Expiring("github", expiry(resp.Header), resp.Date), nil
}

// expiry is when a token ends; zero if it does not, or if GitHub does not tell.
func expiry(h http.Header) time.Time {
	text := h.Get("GitHub-Authentication-Token-Expiration")
	for _, form := range []string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// checkRepository says whether anybody, and whether the token's owner, may write there.
func (s *store) checkRepository(ctx context.Context) error {
	op := "github: check " + s.cfg.Repository
	var got struct {
		Archived    bool `json:"archived"`
		Permissions *struct {
			Push bool `json:"push"`
		} `json:"permissions"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/repos/" + s.cfg.Repository}, &got); err != nil {
		return err
	}
	switch {
	case got.Archived:
		return &sinks.Error{Class: sinks.Refused, Op: op, Err: errReadOnly}
	case s.cfg.App == nil && got.Permissions != nil && !got.Permissions.Push:
		return sinks.Errorf(sinks.Denied, op, "the token's owner may not write to the repository")
	}
	return nil
}

// maxEnvironments bounds how many are looked at.
const maxEnvironments = 30

type environmentPage struct {
	Environments []struct {
		Name string `json:"name"`
	} `json:"environments"`
}

// checkEnvironments warns of environments that have the same names: their jobs read those. A token that may not look
// does not get the warning.
func (s *store) checkEnvironments(ctx context.Context, names []string) (warnings []sinks.Warning, err error) {
	if s.cfg.Environment != "" || s.cfg.Store != actions {
		return nil, nil
	}
	base := "/repos/" + s.cfg.Repository + "/environments"
	var page environmentPage
	_, err = s.api.Do(ctx, httpapi.Request{Op: "github: list the environments of " + s.in.name, Path: base, Query: url.Values{"per_page": {"100"}}}, &page)
	if unseen(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, e := range page.Environments {
		if i == maxEnvironments {
			warnings = append(warnings, sinks.Warning(fmt.Sprintf("github: %s has %d environments: only %d were looked at for secrets of the same names",
				s.in.name, len(page.Environments), maxEnvironments)))
			break
		}
		own, _, err := s.list(ctx, base+"/"+url.PathEscape(e.Name)+"/secrets", "environment "+e.Name)
		if unseen(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		warnings = append(warnings, vars.Shadowed("github", names, namesOf(own), "environment "+e.Name)...)
	}
	return warnings, nil
}

func unseen(err error) bool {
	return sinks.ClassOf(err) == sinks.Denied || sinks.ClassOf(err) == sinks.Missing
}

func namesOf(all []secretInfo) (names []string) {
	for _, one := range all {
		names = append(names, one.Name)
	}
	return names
}

// crowd is how many of an organization's secrets a workflow gets, in the order of the alphabet.
// Source: "Using secrets in GitHub Actions", "Limits for secrets".
const crowd = 100

// checkCrowd warns of secrets that some workflows do not get.
func (s *store) checkCrowd(ctx context.Context, names []string) (warnings []sinks.Warning, err error) {
	if s.cfg.Store != actions {
		return nil, nil
	}
	all, _, err := s.list(ctx, s.in.path, s.in.name)
	if err != nil {
		return nil, err
	}
	has := namesOf(all)
	for _, name := range names {
		name = strings.ToUpper(name)
		if name == strings.ToUpper(s.cfg.Variables.SessionToken) {
			continue
		}
		before := 0
		for _, other := range has {
			if other < name {
				before++
			}
		}
		if before >= crowd {
			warnings = append(warnings, sinks.Warning(fmt.Sprintf(
				"github: %d secrets of %s come before %s: a workflow that may read more than %d of them does not get it", before, s.in.name, name, crowd)))
		}
	}
	return warnings, nil
}
