package pulumideployments

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token = "pul-the-token-of-the-model"
	stack = "/api/stacks/acme/network/prod"
	thing = "settings" // the one variable that the model's base knows
)

type object = map[string]any

// server is a small Pulumi with one stack. Its settings merge, its secrets come back as ciphertexts that differ with each write.
type server struct {
	*varstest.Server
	silent bool // answers to writes are empty, and no version is told
	mute   bool // nor are ciphertexts
}

func newServer(t sinktest.T) *server {
	s := &server{}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "token "+token && r.Header.Get("Accept") == "application/vnd.pulumi+8"
		},
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodGet {
				return ""
			}
			return thing
		},
		Serve: s.serve,
	})
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	now, ok := s.Vars[thing]
	switch r.Method + " " + r.URL.Path {
	case "GET " + stack:
		fmt.Fprint(w, `{"stackName":"prod","version":7}`)
	case "GET " + stack + "/deployments/settings":
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.show(w, now)
	case "POST " + stack + "/deployments/settings":
		var patch object
		if json.Unmarshal(body, &patch) != nil || strings.Contains(string(body), "invalid") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		now := s.merge(patch)
		if !s.silent {
			s.show(w, now)
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// merge stores a merge patch; a value {"secret": ..} replaces what was there.
func (s *server) merge(patch object) varstest.Var {
	now := object{}
	_ = json.Unmarshal([]byte(s.Vars[thing].Value), &now)
	text, _ := json.Marshal(merged(now, patch))
	return s.Put(thing, varstest.Var{Value: string(text)})
}

func merged(now, patch object) object {
	for name, value := range patch {
		below, isObject := value.(object)
		old, wasObject := now[name].(object)
		switch {
		case value == nil:
			delete(now, name)
		case isObject && below["secret"] == nil && wasObject:
			now[name] = merged(old, below)
		case isObject && below["secret"] == nil:
			now[name] = merged(object{}, below)
		default:
			now[name] = value
		}
	}
	return now
}

// show is the settings with ciphertexts.
func (s *server) show(w http.ResponseWriter, now varstest.Var) {
	var all object
	_ = json.Unmarshal([]byte(now.Value), &all)
	context, _ := all["operationContext"].(object)
	variables, _ := context["environmentVariables"].(object)
	for name, value := range variables {
		if hidden, ok := value.(object); ok {
			variables[name] = object{}
			if !s.mute {
				variables[name] = object{"ciphertext": fmt.Sprintf("v%x", hidden["secret"])}
			}
		}
	}
	if !s.silent {
		all["version"] = now.Version
	}
	_ = json.NewEncoder(w).Encode(all)
}

// put is somebody else who changes variables.
func (s *server) put(variables object) {
	s.Change(func() { s.merge(object{"operationContext": object{"environmentVariables": variables}}) })
}

// variables are those that are stored.
func (s *server) variables() (all object) {
	s.Change(func() {
		var now struct {
			OperationContext struct{ EnvironmentVariables object }
		}
		_ = json.Unmarshal([]byte(s.Vars[thing].Value), &now)
		all = now.OperationContext.EnvironmentVariables
	})
	return all
}

func secretOf(v any) string {
	hidden, _ := v.(object)
	text, _ := hidden["secret"].(string)
	return text
}

// target is the destination of the suite.
func (s *server) target(cfg *Config) sinktest.Target {
	v := cfg.Variables
	t := s.Target(cfg, v, thing, token)
	t.Read = func(sinktest.T) sinktest.Pair {
		all := s.variables()
		return sinktest.Pair{ID: secretOf(all[v.AccessKeyID]), Secret: secretOf(all[v.SecretAccessKey]), SessionToken: secretOf(all[v.SessionToken])}
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		change := object{v.AccessKeyID: object{"secret": p.ID}, v.SecretAccessKey: object{"secret": p.Secret}, v.SessionToken: nil}
		if p.SessionToken != "" {
			change[v.SessionToken] = object{"secret": p.SessionToken}
		}
		s.put(change)
	}
	t.Others = func(sinktest.T) string {
		var rest string
		s.Change(func() {
			var all object
			_ = json.Unmarshal([]byte(s.Vars[thing].Value), &all)
			variables := all["operationContext"].(object)["environmentVariables"].(object)
			for _, name := range []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken} {
				delete(variables, name)
			}
			text, _ := json.Marshal(all)
			rest = string(text)
		})
		return rest
	}
	return t
}

// settled is a stack with settings of somebody else.
func settled(t sinktest.T) *server {
	s := newServer(t)
	s.Change(func() {
		s.merge(object{
			"sourceContext": object{"git": object{"branch": "main"}},
			"operationContext": object{
				"environmentVariables": object{"AWS_REGION": "eu-west-1", "PASSWORD": object{"secret": "hunter2"}},
				"preRunCommands":       []string{"make"},
			},
		})
	})
	return s
}

func newConfig(t sinktest.T, s *server) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	cfg.Organization, cfg.Project, cfg.Stack = "acme", "network", "prod"
	return cfg
}
