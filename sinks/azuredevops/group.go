package azuredevops

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"keyturn/sinks"
)

// group is a variable group.
type group struct{ cfg *Config }

func (g group) path() string {
	return "/" + url.PathEscape(g.cfg.Project) + g.target()
}

func (g group) target() string {
	return "/_apis/distributedtask/variablegroups/" + strconv.Itoa(g.cfg.VariableGroup)
}

func (g group) rights(now fields) (string, url.Values) {
	return "/" + url.PathEscape(g.cfg.Project) + "/_apis/distributedtask/variablegroups", url.Values{
		"groupName": {now.text("name")}, "actionFilter": {"manage"},
	}
}

func (g group) refuses(now fields) error {
	if kind := now.text("type"); kind != "" && kind != "Vsts" {
		return errors.New("it is linked to a vault: write to that")
	}
	if refs := string(now["variableGroupProjectReferences"]); refs == "" || refs == "null" || refs == "[]" {
		return errors.New("the answer does not say in which projects it is: a push could take it away from them")
	}
	return nil
}

// variable is one as it is shown.
type variable struct {
	Value    *string `json:"value"`
	IsSecret bool    `json:"isSecret"`
}

// find is a variable whatever the case of its name, and the name as it is spelled there.
func find(variables fields, name string) (spelled string, v variable, ok bool) {
	for _, spelled := range slices.Sorted(maps.Keys(variables)) {
		if strings.EqualFold(spelled, name) {
			ok := json.Unmarshal(variables[spelled], &v) == nil
			return spelled, v, ok
		}
	}
	return name, variable{}, false
}

func (g group) shows(now fields) (shown, error) {
	if err := g.refuses(now); err != nil {
		return shown{}, err
	}
	all := now.below("variables")
	_, id, there := find(all, g.cfg.Variables.AccessKeyID)
	_, _, secret := find(all, g.cfg.Variables.SecretAccessKey)
	_, _, session := find(all, g.cfg.Variables.SessionToken)
	s := shown{hidden: there && id.IsSecret, secret: secret, session: session, stamp: now.text("modifiedOn")}
	if there && !id.IsSecret && id.Value != nil {
		s.id = sinks.KeyID(*id.Value)
	}
	return s, nil
}

// with sends only what a change of a group may hold; all variables are among it.
func (g group) with(now fields, cred sinks.Credential) (fields, error) {
	if err := g.refuses(now); err != nil {
		return nil, err
	}
	names, all := g.cfg.Variables, now.below("variables")
	idName, id, _ := find(all, names.AccessKeyID)
	secretName, _, _ := find(all, names.SecretAccessKey)
	all = all.set(idName, all.below(idName).set("value", string(cred.KeyID)).set("isSecret", id.IsSecret))
	all = all.set(secretName, all.below(secretName).set("value", cred.Secret.Reveal()).set("isSecret", true))
	if session, _, ok := find(all, names.SessionToken); ok {
		delete(all, session)
	}
	next := fields{}
	for _, name := range []string{"name", "type", "description", "providerData", "variableGroupProjectReferences"} {
		if value, ok := now[name]; ok {
			next[name] = value
		}
	}
	return next.set("variables", all), nil
}

func (g group) warns(now fields) (out []string) {
	names, all := g.cfg.Variables, now.below("variables")
	if name, _, ok := find(all, names.SessionToken); ok {
		out = append(out, name+" lies beside the pair and makes it useless: a push removes it")
	}
	if name, v, ok := find(all, names.SecretAccessKey); ok && !v.IsSecret {
		out = append(out, name+" is no secret variable: a push makes it one")
	}
	others := 0
	for name, raw := range all {
		var v variable
		own := strings.EqualFold(name, names.AccessKeyID) || strings.EqualFold(name, names.SecretAccessKey) || strings.EqualFold(name, names.SessionToken)
		if json.Unmarshal(raw, &v) == nil && v.IsSecret && !own {
			others++
		}
	}
	if others > 0 {
		out = append(out, fmt.Sprintf("the group holds other secret variables (%d): that a push keeps them is inferred from Microsoft's own command, not documented", others))
	}
	return out
}
