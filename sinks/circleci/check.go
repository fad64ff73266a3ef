package circleci

import (
	"context"
	"fmt"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// mostContexts is how many contexts Check looks into: each takes a request.
const mostContexts = 50

// Check warns of contexts that win over the project. What a token may do CircleCI does not tell.
func (p *project) Check(ctx context.Context, _ []string, _ map[string]vars.Seen) (warnings []sinks.Warning, err error) {
	organization := p.cfg.Project[:strings.LastIndex(p.cfg.Project, "/")]
	all, err := contexts(ctx, p.api, "circleci: list the contexts of "+organization, organization)
	if c := sinks.ClassOf(err); c == sinks.Missing || c == sinks.Denied || c == sinks.Refused {
		return []sinks.Warning{"circleci: the token's user may not list contexts: whether one of them wins over the project is not known"}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(all) > mostContexts {
		warnings = append(warnings, sinks.Warning(fmt.Sprintf(
			"circleci: of %d contexts only %d were looked into: whether another wins over the project is not known", len(all), mostContexts)))
		all = all[:mostContexts]
	}
	for _, c := range all {
		own, err := p.variables(ctx, c)
		if err != nil {
			return nil, err
		}
		warnings = append(warnings, vars.Shadowed("circleci", p.cfg.written(), own, "the context "+c.Name)...)
	}
	return warnings, nil
}

// variables are the names in a context; none if it is restricted to others.
func (p *project) variables(ctx context.Context, c named) (own []string, err error) {
	r := httpapi.Request{Op: "circleci: list the variables of context " + c.Name, Path: variablesOf(c.ID)}
	all, _, err := list[variable](ctx, p.api, r)
	if class := sinks.ClassOf(err); class == sinks.Missing || class == sinks.Denied {
		return nil, nil
	}
	for _, v := range all {
		own = append(own, v.Name)
	}
	return own, err
}

// most is how many variables a context holds. Source: "Using contexts", "Context and environment variable limits".
const most = 100

// Check warns of a context without room.
func (s *shared) Check(_ context.Context, _ []string, seen map[string]vars.Seen) ([]sinks.Warning, error) {
	missing := 0
	for _, name := range s.cfg.written() {
		if _, ok := seen[name]; !ok {
			missing++
		}
	}
	if missing == 0 || len(seen)+missing <= most {
		return nil, nil
	}
	return []sinks.Warning{sinks.Warning(fmt.Sprintf(
		"circleci: the context holds %d variables of at most %d: there is no room for %d more", len(seen), most, missing))}, nil
}
