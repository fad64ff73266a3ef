package gitlab

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check looks at the kind of each variable, the token, and what else is defined in the place. Whoever may list variables may
// change them, if the token's scope is not a reader's.
func (s *store) Check(ctx context.Context, _ []string, seen map[string]vars.Seen) (warnings []sinks.Warning, err error) {
	missing := false
	for _, name := range s.cfg.written() {
		v, ok := seen[name]
		if !ok {
			missing = true
			continue
		}
		if err := s.fits(name, v); err != nil {
			return nil, err
		}
		warnings = append(warnings, s.flags(name, v)...)
	}
	if s.cfg.Hidden && missing {
		if err := s.checkVersion(ctx); err != nil {
			return nil, err
		}
	}
	token, err := s.checkToken(ctx)
	if err != nil {
		return nil, err
	}
	list, _, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Concat(warnings, token, s.scopes(list)), nil
}

// flags warns where a variable is other than the configuration wants it. A push does not change that.
func (s *store) flags(name string, now vars.Seen) (warnings []sinks.Warning) {
	v, _ := now.Data.(variable)
	compare := func(flag string, is, want bool) {
		not := "is"
		if !is {
			not = "is not"
		}
		if is != want {
			warnings = append(warnings, sinks.Warning(fmt.Sprintf("gitlab: %s %s %s, other than configured: a push does not change that", name, not, flag)))
		}
	}
	compare("masked", v.Masked, s.cfg.Masked && s.cfg.Bundle == "")
	compare("hidden", v.Hidden, s.cfg.Hidden)
	compare("protected", v.Protected, s.cfg.Protected)
	return warnings
}

// checkVersion asks for a GitLab that knows hidden variables: an older one ignores the word and creates one in the open.
// Source: "Metadata API".
func (s *store) checkVersion(ctx context.Context) error {
	op := "gitlab: look up the version"
	var got struct {
		Version string `json:"version"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/version"}, &got); err != nil {
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(got.Version, "%d.%d", &major, &minor); err != nil {
		return sinks.Errorf(sinks.Unclassified, op, "the answer holds no version")
	}
	if major < 17 || major == 17 && minor < 4 {
		return sinks.Errorf(sinks.Refused, op, "hidden variables need GitLab 17.4, this is %d.%d", major, minor)
	}
	return nil
}

// checkToken asks what the token may do and when it ends. Source: "Personal access tokens API", which tells of project and
// group access tokens too.
func (s *store) checkToken(ctx context.Context) ([]sinks.Warning, error) {
	var got struct {
		Scopes  []string `json:"scopes"`
		Expires string   `json:"expires_at"`
	}
	resp, err := s.api.Do(ctx, httpapi.Request{Op: "gitlab: look up the token", Path: "/personal_access_tokens/self"}, &got)
	switch httpapi.StatusOf(err) {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return []sinks.Warning{"gitlab: the token cannot be looked up: whether it may write, and when it runs out, is not known"}, nil
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(got.Scopes, "api") && !slices.Contains(got.Scopes, "granular") {
		return nil, sinks.Errorf(sinks.Denied, "gitlab: look up the token", "it has not the scope api")
	}
	ends, _ := time.Parse(time.DateOnly, got.Expires) // null: it does not end
	return httpapi.Expiring("gitlab", ends, resp.Date), nil
}

// scopes warns of variables in other environment scopes that get in the way. The narrower scope wins.
// Source: "Limit the environment scope of a CI/CD variable".
func (s *store) scopes(list []variable) (warnings []sinks.Warning) {
	narrower := map[string][]string{}
	for _, v := range list {
		switch {
		case v.Scope == s.cfg.EnvironmentScope:
		case covers(s.cfg.EnvironmentScope, v.Scope):
			narrower[v.Scope] = append(narrower[v.Scope], v.Key)
		case s.cfg.Bundle == "" && v.Key == s.cfg.Variables.SessionToken && covers(v.Scope, s.cfg.EnvironmentScope):
			warnings = append(warnings, sinks.Warning(fmt.Sprintf(
				"gitlab: %s of the environment scope %s lies beside the pair and makes it useless: a push does not remove it", v.Key, v.Scope)))
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(narrower)) {
		warnings = append(warnings, vars.Shadowed("gitlab", s.cfg.written(), narrower[scope], "the environment scope "+scope)...)
	}
	return warnings
}

// covers says whether each environment of scope is one of pattern, in which * stands for any text.
func covers(pattern, scope string) bool {
	text := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile("^" + text + "$").MatchString(scope)
}
