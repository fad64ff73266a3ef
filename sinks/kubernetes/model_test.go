package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "eyJhbGciOi.the-token-of-the-model"

// server is a small API server: Secrets of one namespace, RBAC for named ones, server-side apply, and its traps.
type server struct {
	*varstest.Server
	secrets map[string]*stored
	gone    bool     // the namespace does not exist
	allowed []string // verbs besides get and patch
	effects bool     // an admission webhook takes no dry run
	rv      int
}

// stored is a Secret with those who manage its keys.
type stored struct {
	rv        int
	immutable bool
	typ       string
	labels    map[string]string
	owners    []owner
	data      map[string][]byte
	applied   map[string][]string // keys by manager
	updated   map[string][]string
}

const namespace = "ci"

func newServer(t sinktest.T) *server {
	s := &server{secrets: map[string]*stored{}}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "Bearer "+token || r.TLS != nil && len(r.TLS.PeerCertificates) > 0
		},
		Denied: func(w http.ResponseWriter) { fail(w, 401, "Unauthorized", "", "Unauthorized") },
		Missing: func(w http.ResponseWriter) {
			fail(w, 404, "NotFound", "namespaces", `namespaces "ci" not found`)
		},
		Place: func(r *http.Request) bool { return r.Method == http.MethodPatch },
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "" {
				return sinks.DefaultVariables.AccessKeyID // whatever it is called here: it makes the faults
			}
			return ""
		},
		Serve: s.serve,
	})
	s.make("bot", map[string][]byte{"region": []byte("eu-central-1"), "note": []byte("<a & b>\n")})
	return s
}

func (s *server) make(name string, data map[string][]byte) *stored {
	s.rv++
	o := &stored{
		rv: s.rv, typ: "Opaque", labels: map[string]string{"team": "platform"}, data: data,
		applied: map[string][]string{}, updated: map[string][]string{"kubectl-create": slices.Sorted(maps.Keys(data))},
	}
	s.secrets[name] = o
	return o
}

func fail(w http.ResponseWriter, code int, reason, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": message,
		"details": map[string]string{"kind": kind},
	})
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	name, ok := strings.CutPrefix(r.URL.Path, "/api/v1/namespaces/"+namespace+"/secrets/")
	o := s.secrets[name]
	switch {
	case !ok || !strings.HasPrefix(name, "bot") && name != "new":
		fail(w, 403, "Forbidden", "secrets", "secrets is forbidden: User cannot do this")
	case r.Method == http.MethodGet && o == nil:
		fail(w, 404, "NotFound", "secrets", `secrets "x" not found`)
	case r.Method == http.MethodGet:
		reply(w, 200, o)
	case r.Method != http.MethodPatch:
		fail(w, 405, "MethodNotAllowed", "", "the server does not allow this method on the requested resource")
	default:
		s.patch(w, r, name, body)
	}
}

// patched is the body of a patch.
type patched struct {
	APIVersion string `json:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Namespace, ResourceVersion string }
	Type       string
	Data       map[string]*[]byte
}

func (s *server) patch(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	var in patched
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		fail(w, 400, "BadRequest", "", "error decoding patch")
		return
	}
	q, o := r.URL.Query(), s.secrets[name]
	apply := r.Header.Get("Content-Type") == "application/apply-patch+yaml"
	if o == nil {
		o = &stored{typ: "Opaque", data: map[string][]byte{}, applied: map[string][]string{}, updated: map[string][]string{}}
	}
	o = o.clone()
	switch {
	case !apply && r.Header.Get("Content-Type") != "application/merge-patch+json":
		fail(w, 415, "UnsupportedMediaType", "", "the body of the request was in an unknown format")
	case apply && (q.Get("fieldManager") == "" || in.APIVersion != "v1" || in.Kind != "Secret" || in.Metadata.Name != name):
		fail(w, 400, "BadRequest", "", "PatchOptions.meta.k8s.io is invalid")
	case !apply && q.Has("force"):
		fail(w, 422, "Invalid", "", "force: Forbidden: may not be specified for non-apply patch")
	case s.secrets[name] == nil && !apply:
		fail(w, 404, "NotFound", "secrets", `secrets "x" not found`)
	case s.secrets[name] == nil && !slices.Contains(s.allowed, "create"):
		fail(w, 403, "Forbidden", "secrets", `secrets "x" is forbidden: User cannot create resource "secrets"`)
	case s.secrets[name] == nil && s.gone:
		fail(w, 404, "NotFound", "namespaces", `namespaces "ci" not found`)
	case in.Metadata.ResourceVersion != "" && in.Metadata.ResourceVersion != strconv.Itoa(o.rv):
		fail(w, 409, "Conflict", "secrets", "the object has been modified; please apply your changes to the latest version and try again")
	case o.immutable:
		fail(w, 422, "Invalid", "Secret", "Secret \"bot\" is invalid: data: Forbidden: field is immutable when `immutable` is set")
	case q.Get("dryRun") != "" && s.effects:
		fail(w, 400, "BadRequest", "", `admission webhook "audit.example.com" does not support dry run`)
	case apply && !o.apply(in, q.Get("fieldManager"), q.Get("force") == "true"):
		fail(w, 409, "Conflict", "", "Apply failed with 1 conflict")
	default:
		if !apply {
			o.merge(in, q.Get("fieldManager"))
		}
		code := 200
		if s.secrets[name] == nil {
			code = 201
		}
		if q.Get("dryRun") == "" {
			s.rv++
			o.rv = s.rv
			s.secrets[name] = o
		}
		reply(w, code, o)
	}
}

func (o *stored) clone() *stored {
	c := *o
	c.data, c.applied, c.updated = maps.Clone(o.data), maps.Clone(o.applied), maps.Clone(o.updated)
	return &c
}

// apply is server-side apply: what a manager applied before and leaves out now goes, unless somebody else has it too.
func (o *stored) apply(in patched, manager string, force bool) bool {
	var keys []string
	for key, value := range in.Data {
		for other, theirs := range o.managers() {
			if other == manager || !slices.Contains(theirs, key) || string(o.data[key]) == string(*value) {
				continue
			}
			if !force {
				return false
			}
			o.drop(other, key)
		}
		o.data[key] = *value
		keys = append(keys, key)
	}
	before := o.applied[manager]
	o.applied[manager] = keys
	for _, key := range before {
		if !slices.Contains(keys, key) && !o.managed(key) {
			delete(o.data, key)
		}
	}
	return true
}

func (o *stored) merge(in patched, manager string) {
	for key, value := range in.Data {
		for other := range o.managers() {
			if other != manager {
				o.drop(other, key)
			}
		}
		if value == nil {
			delete(o.data, key)
			continue
		}
		o.data[key] = *value
		o.updated[manager] = append(o.updated[manager], key)
	}
}

// managers are all managers with their keys, of both sorts.
func (o *stored) managers() map[string][]string {
	all := map[string][]string{}
	for m, k := range o.applied {
		all[m] = append(all[m], k...)
	}
	for m, k := range o.updated {
		all[m] = append(all[m], k...)
	}
	return all
}

func (o *stored) managed(key string) bool {
	for _, keys := range o.managers() {
		if slices.Contains(keys, key) {
			return true
		}
	}
	return false
}

func (o *stored) drop(manager, key string) {
	is := func(k string) bool { return k == key }
	o.applied[manager] = slices.DeleteFunc(slices.Clone(o.applied[manager]), is)
	o.updated[manager] = slices.DeleteFunc(slices.Clone(o.updated[manager]), is)
}

func reply(w http.ResponseWriter, code int, o *stored) {
	var managed []map[string]any
	for operation, managers := range map[string]map[string][]string{"Apply": o.applied, "Update": o.updated} {
		for manager, keys := range managers {
			fields := map[string]any{".": struct{}{}}
			for _, k := range keys {
				fields["f:"+k] = struct{}{}
			}
			managed = append(managed, map[string]any{
				"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:data": fields},
			})
		}
	}
	slices.SortFunc(managed, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["manager"]), fmt.Sprint(b["manager"]))
	})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	answer := map[string]any{
		"kind": "Secret", "apiVersion": "v1", "type": o.typ, "data": o.data,
		"metadata": map[string]any{
			"resourceVersion": strconv.Itoa(o.rv), "labels": o.labels, "managedFields": managed, "ownerReferences": o.owners,
		},
	}
	if o.immutable {
		answer["immutable"] = true
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// look is the data of a Secret as a reader gets it.
func (s *server) look(name string) (data map[string][]byte) {
	s.inspect(name, func(o *stored) { data = maps.Clone(o.data) })
	return data
}

func (s *server) inspect(name string, f func(*stored)) {
	s.Change(func() {
		if o := s.secrets[name]; o != nil {
			f(o)
		}
	})
}

// update is somebody else with kubectl edit.
func (s *server) update(name string, change map[string]string) {
	s.Change(func() {
		o := s.secrets[name].clone()
		for key, value := range change {
			for manager := range o.managers() {
				o.drop(manager, key)
			}
			delete(o.data, key)
			if value != "" {
				o.data[key] = []byte(value)
				o.updated["kubectl-edit"] = append(o.updated["kubectl-edit"], key)
			}
		}
		s.rv++
		o.rv = s.rv
		s.secrets[name] = o
	})
}

// kubeconfigOf writes a kubeconfig for a server.
func kubeconfigOf(t sinktest.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

const simple = `apiVersion: v1
kind: Config
preferences: {}
clusters: [{name: model, cluster: {server: "%s"}}]
users: [{name: robot, user: {token: %s}}]
contexts: [{name: here, context: {cluster: model, user: robot, namespace: other}}]
current-context: here
`

func (s *server) config(t sinktest.T) *Config {
	cfg := Spec.New().(*Config)
	cfg.Kubeconfig = kubeconfigOf(t, fmt.Sprintf(simple, s.URL, token))
	cfg.Namespace, cfg.Secret = namespace, "bot"
	return cfg
}

// target is the destination that the suite works on.
func (s *server) target(cfg *Config) sinktest.Target {
	t := s.Target(cfg, sinks.DefaultVariables, "", token)
	v := cfg.Variables
	t.Order = nil // one request
	t.Read = func(sinktest.T) sinktest.Pair {
		data := s.look(cfg.Secret)
		return sinktest.Pair{ID: string(data[v.AccessKeyID]), Secret: string(data[v.SecretAccessKey]), SessionToken: string(data[v.SessionToken])}
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.update(cfg.Secret, map[string]string{v.AccessKeyID: p.ID, v.SecretAccessKey: p.Secret, v.SessionToken: p.SessionToken})
	}
	t.Others = func(sinktest.T) (text string) {
		s.inspect(cfg.Secret, func(o *stored) {
			rest := maps.Clone(o.data)
			maps.DeleteFunc(rest, func(k string, _ []byte) bool {
				return k == v.AccessKeyID || k == v.SecretAccessKey || k == v.SessionToken
			})
			text = fmt.Sprint(rest, o.typ, o.labels, o.immutable)
		})
		return text
	}
	return t
}
