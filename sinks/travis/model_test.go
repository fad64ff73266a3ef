package travis

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "TheTokenOfTheModel"

// model is a small Travis with one repository, of which branch is the one that a test looks at. Its traps: without its header another API answers;
// a name may be there once for each branch; only what is public is shown; a wrong token is 403; a change removes the variable and adds it again, so
// that it comes last in the list, is absent for a while, and is gone if the server ends in between.
type model struct {
	*varstest.Server
	branch string // of the variables that are by their name alone in Vars; others are name@branch
	public string // a variable that is public when somebody else creates it
	order  []string
	may    string // the user's permissions
	absent int    // lists that do not show the variable that was changed last
	dies   int    // changes between whose halves the server ends
}

// details are what a variable has besides its value.
type details struct {
	Branch string
	Public bool
}

const base = "/repo/acme%2Fapp"

func newModel(t sinktest.T, cfg *Config) *model {
	m := &model{branch: cfg.Branch, may: `{"read":true,"create_env_var":true}`}
	if cfg.PublicKeyID {
		m.public = cfg.Variables.AccessKeyID
	}
	m.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool { return r.Header.Get("Authorization") == "token "+token },
		Written:    m.written, Serve: m.serve,
		Denied:  func(w http.ResponseWriter) { refuse(w, 403, "login_required") },
		Missing: func(w http.ResponseWriter) { refuse(w, 404, "not_found") },
	})
	cfg.URL, cfg.Token = m.URL, varstest.File(t, token)
	m.put("REGION", varstest.Var{Value: "eu-central-1", Data: details{m.branch, true}})
	m.put("AWS_ACCESS_KEY_ID@legacy", varstest.Var{Value: "AKIALEGACY", Data: details{"legacy", false}})
	return m
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"@type":"error","error_type":"` + why + `","error_message":"no"}`))
}

// put makes the variable the last one.
func (m *model) put(key string, v varstest.Var) {
	m.order = append(slices.DeleteFunc(m.order, func(k string) bool { return k == key }), key)
	m.Put(key, v)
}

func (m *model) key(name, branch string) string {
	if branch == m.branch {
		return name
	}
	return name + "@" + branch
}

// detailsOf are v's details; a variable that somebody else wrote has the usual ones.
func (m *model) detailsOf(key string) details {
	if d, ok := m.Vars[key].Data.(details); ok {
		return d
	}
	return details{m.branch, key == m.public}
}

// named is the key of the variable whose id a path names.
func (m *model) named(r *http.Request) string {
	for key, v := range m.Vars {
		if r.URL.EscapedPath() == base+"/env_var/"+v.ID {
			return key
		}
	}
	return ""
}

// body is a request's, whose keys have dots.
type body struct {
	Name   *string `json:"env_var.name"`
	Value  *string `json:"env_var.value"`
	Public *bool   `json:"env_var.public"`
	Branch *string `json:"env_var.branch"`
}

func (b body) branch() string {
	if b.Branch == nil {
		return ""
	}
	return *b.Branch
}

func (m *model) written(r *http.Request, raw []byte) string {
	if r.Method == http.MethodGet {
		return ""
	}
	if r.Method == http.MethodPost {
		var in body
		if json.Unmarshal(raw, &in) != nil || in.Name == nil {
			return ""
		}
		return m.key(*in.Name, in.branch())
	}
	return m.named(r)
}

func (m *model) serve(w http.ResponseWriter, r *http.Request, raw []byte) {
	var in body
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if len(raw) > 0 && d.Decode(&in) != nil || r.Header.Get("Travis-API-Version") != "3" {
		refuse(w, 400, "wrong_params")
		return
	}
	path := r.URL.EscapedPath()
	switch {
	case path == base && r.Method == http.MethodGet:
		_, _ = w.Write([]byte(`{"@type":"repository","@permissions":` + m.may + `,"slug":"acme/app"}`))
	case path == base+"/env_vars" && r.Method == http.MethodGet:
		m.list(w)
	case path == base+"/env_vars" && r.Method == http.MethodPost:
		m.create(w, in)
	case strings.HasPrefix(path, base+"/env_var/"):
		m.one(w, r, in)
	default:
		refuse(w, 404, "not_found")
	}
}

func (m *model) list(w http.ResponseWriter) {
	for key := range m.Vars { // somebody else's come last
		if !slices.Contains(m.order, key) {
			m.order = append(m.order, key)
		}
	}
	all := []map[string]any{}
	for i, key := range m.order {
		v, ok := m.Vars[key]
		if !ok || m.absent > 0 && i == len(m.order)-1 {
			continue
		}
		d := m.detailsOf(key)
		name, _, _ := strings.Cut(key, "@")
		one := map[string]any{"@type": "env_var", "id": v.ID, "name": name, "public": d.Public, "branch": nil}
		if d.Branch != "" {
			one["branch"] = d.Branch
		}
		if d.Public {
			one["value"] = v.Value
		}
		all = append(all, one)
	}
	m.absent = max(0, m.absent-1)
	_ = json.NewEncoder(w).Encode(map[string]any{"@type": "env_vars", "env_vars": all})
}

func (m *model) create(w http.ResponseWriter, in body) {
	switch {
	case in.Name == nil || in.Value == nil || in.Public == nil:
		refuse(w, 422, "unprocessable_entity")
		return
	case m.Vars[m.key(*in.Name, in.branch())].ID != "":
		refuse(w, 409, "duplicate_resource")
		return
	}
	m.put(m.key(*in.Name, in.branch()), varstest.Var{Value: *in.Value, Data: details{in.branch(), *in.Public}})
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(`{}`))
}

func (m *model) one(w http.ResponseWriter, r *http.Request, in body) {
	key := m.named(r)
	v, ok := m.Vars[key]
	switch {
	case !ok:
		refuse(w, 404, "not_found")
	case r.Method == http.MethodDelete:
		m.Remove(key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPatch && m.dies > 0:
		m.dies--
		m.Remove(key)
		w.WriteHeader(http.StatusBadGateway)
	case r.Method == http.MethodPatch:
		d := m.detailsOf(key)
		if in.Public != nil {
			d.Public = *in.Public
		}
		if in.Value != nil {
			v.Value = *in.Value
		}
		v.Data = d
		m.put(key, v)
		_, _ = w.Write([]byte(`{}`))
	default:
		refuse(w, 405, "method_not_allowed")
	}
}
