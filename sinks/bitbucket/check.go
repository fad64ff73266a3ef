package bitbucket

import (
	"context"

	"keyturn/sinks"
	"keyturn/sinks/internal/vars"
)

// Check warns of what a narrower scope hides. That the variables could be listed is all that tells of the token's rights.
func (s *store) Check(ctx context.Context, names []string, seen map[string]vars.Seen) (warnings []sinks.Warning, err error) {
	if v, ok := seen[s.cfg.Variables.SecretAccessKey]; ok && v.Data == false {
		warnings = append(warnings, sinks.Warning("bitbucket: "+s.cfg.Variables.SecretAccessKey+" is not secured: a push secures it"))
	}
	if s.cfg.Repository == "" || s.cfg.Deployment != "" {
		return warnings, nil
	}
	all, err := s.environments(ctx)
	if class := sinks.ClassOf(err); class == sinks.Denied || class == sinks.Missing {
		return append(warnings, "bitbucket: the token may not list deployments: whether one has variables of its own is not known"), nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		there, _, err := list[variable](ctx, s, s.op("list the variables of deployment "+e.Name), s.variablesOf(e.UUID))
		if sinks.ClassOf(err) == sinks.Missing {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		var own []string
		for _, v := range there {
			own = append(own, v.Key)
		}
		warnings = append(warnings, vars.Shadowed("bitbucket", names, own, "deployment "+e.Name)...)
	}
	return warnings, nil
}
