package travis

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check asks what the token's user may do, and looks at the variables of other branches.
func (s *store) Check(ctx context.Context, _ []string, seen map[string]vars.Seen) ([]sinks.Warning, error) {
	name := s.cfg.Variables.SecretAccessKey
	if err := private(name, seen[name], false); err != nil {
		return nil, err
	}
	if err := s.checkUser(ctx); err != nil {
		return nil, err
	}
	list, _, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	return s.branches(list), nil
}

// checkUser asks for permissions. Source: API v3, "Repository".
func (s *store) checkUser(ctx context.Context) error {
	var got struct {
		Permissions struct {
			Create *bool `json:"create_env_var"` // an Enterprise server may not tell it
		} `json:"@permissions"`
	}
	r := httpapi.Request{Op: "travis: look at " + s.cfg.Repository, Path: s.cfg.path()}
	r.Explain = explain(r.Op)
	if _, err := s.api.Do(ctx, r, &got); err != nil {
		return err
	}
	if may := got.Permissions.Create; may != nil && !*may {
		return sinks.Errorf(sinks.Denied, r.Op, "the token's user may not change the repository's settings")
	}
	return nil
}

// branches warns of variables for other branches that get in the way: a build gets those of its branch and those of all.
func (s *store) branches(list []variable) (warnings []sinks.Warning) {
	narrower := map[string][]string{}
	for _, v := range list {
		switch {
		case v.Branch != "" && s.cfg.Branch == "":
			narrower[v.Branch] = append(narrower[v.Branch], v.Name)
		case v.Branch == "" && s.cfg.Branch != "" && v.Name == s.cfg.Variables.SessionToken:
			warnings = append(warnings, sinks.Warning(fmt.Sprintf(
				"travis: %s of all branches lies beside the pair and makes it useless: a push does not remove it", v.Name)))
		}
	}
	for _, branch := range slices.Sorted(maps.Keys(narrower)) {
		warnings = append(warnings, vars.Shadowed("travis", s.cfg.written(), narrower[branch], "the branch "+branch)...)
	}
	return warnings
}
