package hcpterraform

import (
	"context"
	"net/url"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// looked is a workspace, or a variable set, in an answer.
type looked struct {
	Data struct {
		ID         string `json:"id"`
		Attributes struct {
			ExecutionMode string `json:"execution-mode"`
			Permissions   struct {
				UpdateVariable *bool `json:"can-update-variable"` // of a workspace
				Update         *bool `json:"can-update"`          // of a set, where that is told
			} `json:"permissions"`
		} `json:"attributes"`
		Relationships struct {
			Workspaces struct {
				Data []struct {
					ID string `json:"id"`
				} `json:"data"`
			} `json:"workspaces"`
		} `json:"relationships"`
	} `json:"data"`
}

// look reads the workspace or the set itself.
func (s *store) look(ctx context.Context) (got looked, err error) {
	path := "/varsets/" + url.PathEscape(s.cfg.VariableSet)
	switch {
	case s.cfg.VariableSet != "":
	case s.cfg.Organization == "":
		path = "/workspaces/" + url.PathEscape(s.cfg.Workspace)
	default:
		path = "/organizations/" + url.PathEscape(s.cfg.Organization) + "/workspaces/" + url.PathEscape(s.cfg.Workspace)
	}
	op := s.op("look at " + s.cfg.name())
	_, err = s.api.Do(ctx, httpapi.Request{Op: op, Path: path, Explain: explain(op, "")}, &got)
	if err == nil && got.Data.ID == "" {
		err = sinks.Errorf(sinks.Temporary, op, "the answer is not the JSON that was expected")
	}
	return got, err
}

// most is how many workspaces of a set are looked at.
const most = 25

// Check says whether the token may write, and what hides the variables.
func (s *store) Check(ctx context.Context, names []string, seen map[string]vars.Seen) ([]sinks.Warning, error) {
	is, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	may := is.Data.Attributes.Permissions.UpdateVariable
	if s.cfg.VariableSet != "" {
		may = is.Data.Attributes.Permissions.Update
	}
	if may != nil && !*may {
		return nil, sinks.Errorf(sinks.Denied, s.op("check "+s.cfg.name()), "the token may not update variables")
	}
	var warnings []sinks.Warning
	if is.Data.Attributes.ExecutionMode == "local" {
		warnings = append(warnings, "hcp-terraform: the workspace executes locally: its runs do not read these variables")
	}
	if v, ok := seen[s.cfg.Variables.SecretAccessKey]; ok && v.Data == false {
		warnings = append(warnings, sinks.Warning("hcp-terraform: "+s.cfg.Variables.SecretAccessKey+" is not sensitive: a push makes it so"))
	}
	hidden, err := s.hidden(ctx, is, names, seen)
	return append(warnings, hidden...), err
}

// hidden warns of what is in force in place of the variables.
func (s *store) hidden(ctx context.Context, is looked, names []string, seen map[string]vars.Seen) (warnings []sinks.Warning, err error) {
	if s.cfg.VariableSet == "" {
		return s.inForce(ctx, is.Data.ID, "a variable set with priority", names, seen)
	}
	for i, w := range is.Data.Relationships.Workspaces.Data {
		if i == most {
			return append(warnings, sinks.Warning("hcp-terraform: only the first 25 workspaces of the set were looked at")), nil
		}
		more, err := s.inForce(ctx, w.ID, "workspace "+w.ID, names, seen)
		if sinks.ClassOf(err) == sinks.Missing {
			continue // the token may not see it
		}
		if err != nil {
			return nil, err
		}
		warnings = append(warnings, more...)
	}
	return warnings, nil
}

// inForce compares the variables that runs of a workspace get with ours. scope is where others come from.
func (s *store) inForce(ctx context.Context, workspace, scope string, names []string, seen map[string]vars.Seen) ([]sinks.Warning, error) {
	all, _, err := s.list(ctx, s.op("list what is in force in workspace "+workspace), "/workspaces/"+url.PathEscape(workspace)+"/all-vars")
	if err != nil {
		return nil, err
	}
	ours, others := map[string]bool{}, map[string]bool{}
	var warnings []sinks.Warning
	for _, v := range all {
		key := v.Attributes.Key
		ours[key] = ours[key] || v.ID == seen[key].ID
		others[key] = others[key] || seen[key].ID != ""
		if key == "TFC_AWS_PROVIDER_AUTH" && v.Attributes.Value != nil && *v.Attributes.Value == "true" {
			warnings = append(warnings, sinks.Warning("hcp-terraform: dynamic credentials come before the pair in workspace "+workspace))
		}
	}
	var own []string
	for _, name := range names {
		if others[name] && !ours[name] {
			own = append(own, name)
		}
	}
	return append(warnings, vars.Shadowed("hcp-terraform", names, own, scope)...), nil
}
