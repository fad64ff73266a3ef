package azuredevops

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token  = "the-token-of-the-model"
	id     = "6b1f0f6e-3c5f-4f1e-9f0a-0a1b2c3d4e5f"
	thing  = "object" // the one variable that the model's base knows
	groups = "/_apis/distributedtask/variablegroups"
	points = "/_apis/serviceendpoint/endpoints"
)

type record = map[string]any

// server is a small Azure DevOps with one variable group and one service connection. Its traps: what is missing is 200
// and null, a wrong token is 203 and a page, an object is replaced as a whole, null keeps a secret, names fold case.
type server struct {
	*varstest.Server
	accepts   string // the token
	unmanaged bool   // the identity may only read
}

func newServer(t sinktest.T, stored record) *server {
	s := &server{accepts: token}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			return r.Header.Get("X-TFS-FedAuthRedirect") == "Suppress" && r.URL.Query().Get("api-version") == "7.1" &&
				(r.Header.Get("Authorization") == "Basic "+base64.StdEncoding.EncodeToString([]byte(":"+s.accepts)) ||
					r.Header.Get("Authorization") == "Bearer "+s.accepts)
		},
		Denied: func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNonAuthoritativeInfo)
			fmt.Fprint(w, "<html>sign in</html>")
		},
		Missing: func(w http.ResponseWriter) { fmt.Fprint(w, "null") },
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodGet {
				return ""
			}
			return thing
		},
		Serve: s.serve,
	})
	s.store(stored)
	return s
}

func (s *server) store(o record) varstest.Var {
	text, _ := json.Marshal(o)
	return s.Put(thing, varstest.Var{Value: string(text)})
}

// stored is the object with its secrets, as a job gets them.
func (s *server) stored() (o record) {
	_ = json.Unmarshal([]byte(s.Vars[thing].Value), &o)
	return o
}

func (s *server) look() (o record) {
	s.Change(func() { o = s.stored() })
	return o
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	number := fmt.Sprint(s.stored()["id"])
	switch r.Method + " " + r.URL.Path {
	case "GET /acme co/web" + groups + "/" + number, "GET /acme co/web" + points + "/" + number:
		s.show(w)
	case "GET /acme co/web" + groups, "GET /acme co/web" + points:
		s.list(w, r.URL.Query())
	case "PUT /acme co" + groups + "/" + number, "PUT /acme co" + points + "/" + number:
		s.replace(w, body)
	case "PUT /acme co/web" + groups + "/" + number:
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		fmt.Fprint(w, "null")
	}
}

func (s *server) list(w http.ResponseWriter, q url.Values) {
	o := s.stored()
	found := q.Get("groupName") == o["name"] || q.Get("endpointIds") == o["id"]
	if !found || q.Get("actionFilter") != "manage" || s.unmanaged {
		fmt.Fprint(w, `{"count":0,"value":[]}`)
		return
	}
	_ = json.NewEncoder(w).Encode(record{"count": 1, "value": []record{{"id": o["id"]}}})
}

// show is the object without its secrets.
func (s *server) show(w http.ResponseWriter) {
	o := s.stored()
	for _, v := range variables(o) {
		if v["isSecret"] == true {
			v["value"] = nil
		}
	}
	if p := parameters(o); p != nil {
		p["password"], p["sessionToken"] = nil, nil
	}
	if o["variables"] != nil {
		o["modifiedOn"] = s.Vars[thing].At.Format(time.RFC3339Nano)
	}
	_ = json.NewEncoder(w).Encode(o)
}

func variables(o record) map[string]record {
	out := map[string]record{}
	all, _ := o["variables"].(record)
	for name, v := range all {
		out[name], _ = v.(record)
	}
	return out
}

func parameters(o record) record {
	authorization, _ := o["authorization"].(record)
	p, _ := authorization["parameters"].(record)
	return p
}

func (s *server) replace(w http.ResponseWriter, body []byte) {
	old := s.stored()
	var o record
	if json.Unmarshal(body, &o) != nil || old["variables"] != nil && (o["name"] == nil || o["variableGroupProjectReferences"] == nil) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	folded := map[string]bool{}
	was := variables(old)
	for name, v := range variables(o) {
		if folded[strings.ToLower(name)] {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		folded[strings.ToLower(name)] = true
		if v["isSecret"] == true && v["value"] == nil {
			v["value"] = was[name]["value"]
		}
	}
	o["id"] = old["id"]
	s.store(o)
	s.show(w)
}

// newGroup is a group with the variables of somebody else.
func newGroup() record {
	return record{
		"id": 12, "name": "ci", "type": "Vsts", "description": "of the web team", "createdBy": record{"id": "x"},
		"variableGroupProjectReferences": []record{{"name": "ci", "projectReference": record{"id": "p1"}}, {"name": "ci", "projectReference": record{"id": "p2"}}},
		"variables": record{
			"AWS_REGION": record{"value": "eu-central-1"}, "PASSWORD": record{"value": "hunter2", "isSecret": true},
			"LOCKED": record{"value": "1", "isReadOnly": true},
		},
	}
}

func newConnection() record {
	return record{
		"id": id, "name": "aws", "type": "aws", "url": "https://aws.amazon.com/", "isShared": true,
		"serviceEndpointProjectReferences": []record{{"name": "aws", "projectReference": record{"id": "p1"}}},
		"authorization": record{"scheme": "UsernamePassword", "parameters": record{
			"username": "", "password": "", "sessionToken": "", "assumeRoleArn": "arn:aws:iam::1:role/x", "useOIDC": "false",
		}},
		"data": record{"x": 12345678901},
	}
}

func newConfig(t sinktest.T, s *server) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	cfg.Organization, cfg.Project, cfg.VariableGroup = "acme co", "web", 12
	return cfg
}

func forConnection(cfg *Config) *Config {
	cfg.VariableGroup, cfg.ServiceConnection = 0, id
	return cfg
}

// edit is somebody else's change, which keeps everything it does not name.
func (s *server) edit(f func(o record)) {
	s.Change(func() {
		o := s.stored()
		f(o)
		s.store(o)
	})
}

// groupTarget is the suite's destination in a variable group.
func (s *server) groupTarget(cfg *Config, hidden bool) sinktest.Target {
	v := cfg.Variables
	t := s.Target(cfg, v, thing, token)
	t.Read = func(sinktest.T) sinktest.Pair {
		all := variables(s.look())
		get := func(name string) string { text, _ := all[name]["value"].(string); return text }
		return sinktest.Pair{ID: get(v.AccessKeyID), Secret: get(v.SecretAccessKey), SessionToken: get(v.SessionToken)}
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.edit(func(o record) {
			all := o["variables"].(record)
			all[v.AccessKeyID] = record{"value": p.ID, "isSecret": hidden}
			all[v.SecretAccessKey] = record{"value": p.Secret, "isSecret": true}
			delete(all, v.SessionToken)
			if p.SessionToken != "" {
				all[v.SessionToken] = record{"value": p.SessionToken, "isSecret": true}
			}
		})
	}
	t.Others = func(sinktest.T) string {
		o := s.look()
		delete(o, "createdBy") // the service's own
		delete(o, "modifiedOn")
		for _, name := range []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken} {
			delete(o["variables"].(record), name)
		}
		text, _ := json.Marshal(o)
		return string(text)
	}
	return t
}

// connectionTarget is the suite's destination in a service connection.
func (s *server) connectionTarget(cfg *Config) sinktest.Target {
	t := s.Target(cfg, cfg.Variables, thing, token)
	t.Read = func(sinktest.T) sinktest.Pair {
		p := parameters(s.look())
		get := func(name string) string { text, _ := p[name].(string); return text }
		return sinktest.Pair{ID: get("username"), Secret: get("password"), SessionToken: get("sessionToken")}
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.edit(func(o record) {
			at := parameters(o)
			at["username"], at["password"], at["sessionToken"] = p.ID, p.Secret, p.SessionToken
		})
	}
	t.Others = func(sinktest.T) string {
		o := s.look()
		for _, name := range []string{"username", "password", "sessionToken"} {
			delete(parameters(o), name)
		}
		text, _ := json.Marshal(o)
		return string(text)
	}
	return t
}
