package azuredevops

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/url"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "azure-devops",
	Summary:  "two variables of an Azure DevOps variable group, or an AWS service connection",
	Best:     sinks.Partial,
	Verified: "documentation only; that null keeps others' secret variables is inferred",
	Source:   source,
	Defaults: Config{URL: "https://dev.azure.com", Scheme: "pat", Variables: sinks.DefaultVariables},
	Open:     open,
})

// object is a thing that Azure DevOps takes as a whole: a variable group or a service connection.
type object interface {
	// path is where it is read, below the organization.
	path() string
	// target is where it is written.
	target() string
	// rights is the list that holds it if the identity may manage it.
	rights(now fields) (path string, q url.Values)
	// refuses says why it cannot take a pair; nil if it can.
	refuses(now fields) error
	// shows is what can be seen of the pair in it.
	shows(now fields) (shown, error)
	// with is what is sent to put cred in.
	with(now fields, cred sinks.Credential) (fields, error)
	// warns are an operator's findings.
	warns(now fields) []string
}

// fields are those of a JSON object, each as it was spelled.
type fields map[string]json.RawMessage

// shown is what can be seen of a pair.
type shown struct {
	id      sinks.KeyID // "" if there is none, or it is hidden
	hidden  bool        // the key id is there and a secret
	secret  bool        // there is a secret
	session bool        // a session token lies beside them
	stamp   string      // time of the last change; "" if it is not told
}

// sink is one object.
type sink struct {
	cfg     Config
	api     *httpapi.Client
	auth    httpapi.Auth
	object  object
	serials *sinks.Serials
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	auth, err := login(ctx, cfg)
	if err != nil {
		return nil, err
	}
	api, err := httpapi.New(httpapi.Options{
		Base: escapedBase(cfg), UserAgent: env.UserAgent, CACert: cfg.CACert, Auth: auth, Limiter: httpapi.Limiter(env, cfg.base()), Header: noSignIn,
	})
	if err != nil {
		return nil, err
	}
	s := &sink{cfg: *cfg, api: api, auth: auth, object: group{cfg}, serials: env.Serials}
	if cfg.VariableGroup == 0 {
		s.object = connection{cfg}
	}
	if s.serials == nil {
		s.serials = &sinks.Serials{}
	}
	return s, nil
}

func login(ctx context.Context, cfg *Config) (httpapi.Auth, error) {
	if cfg.Scheme == "bearer" {
		return httpapi.Bearer(ctx, "azure-devops: token", cfg.Token)
	}
	return httpapi.Basic(ctx, "azure-devops: token", "", cfg.Token)
}

// Push writes the pair: whether it is there already cannot be seen. The receipt's stamp is the time of the change.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	leave, err := s.serials.Enter(ctx, s.cfg.place())
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, "azure-devops: write "+s.cfg.name(), "%w", err)
	}
	defer leave()
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		r, err = s.push(ctx, cred)
		return err
	})
	return r, err
}

// push is one try.
func (s *sink) push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	op := "azure-devops: write " + s.cfg.name()
	now, err := s.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	next, err := s.object.with(now.fields, cred)
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Refused, op, "%w", err)
	}
	written, err := s.write(ctx, next)
	if err != nil {
		return sinks.Receipt{}, err
	}
	left, err := s.object.shows(written.fields)
	switch {
	case err != nil:
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, op, "after the push %w", err)
	case !left.hidden && left.id != cred.KeyID:
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, op, "after the push another key is shown")
	}
	data, err := json.Marshal(trace{cred.KeyID})
	return sinks.Receipt{Stamp: left.stamp, At: written.at, Data: data}, err
}

// trace says which pair a receipt is of.
type trace struct {
	Key sinks.KeyID `json:"key"`
}

// Verify looks at the key id and at the time of the last change.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, prev sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	op := "azure-devops: verify " + s.cfg.name()
	now, err := s.read(ctx)
	if err != nil {
		return sinks.None, err
	}
	is, err := s.object.shows(now.fields)
	if err != nil {
		return sinks.None, sinks.Errorf(sinks.Stale, op, "%w", err)
	}
	if wrong := is.contradicts(cred.KeyID); wrong != "" {
		return sinks.None, sinks.Errorf(sinks.Stale, op, "%s", wrong)
	}
	var left trace
	ours := len(r.Data) > 0 && json.Unmarshal(r.Data, &left) == nil && left.Key == cred.KeyID
	switch {
	case !is.hidden && cred.KeyID != prev:
		return sinks.Partial, nil
	case ours && r.Stamp != "" && is.stamp == r.Stamp:
		return sinks.Stamped, nil
	case ours && r.Stamp != "":
		return sinks.None, sinks.Errorf(sinks.Stale, op, "it was changed since it was written")
	}
	return sinks.None, sinks.Errorf(sinks.Unclassified, op, "nothing that is shown says which pair it serves")
}

// contradicts says what shows that another pair than that of id is served; "" if nothing does.
func (s shown) contradicts(id sinks.KeyID) string {
	switch {
	case !s.hidden && s.id == "":
		return "it holds no key"
	case !s.hidden && s.id != id:
		return "it holds another key"
	case !s.secret:
		return "it holds no secret"
	case s.session:
		return "a session token lies beside the key"
	}
	return ""
}

// Serving is the key id that is shown.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := s.read(ctx)
	if err != nil {
		return "", err
	}
	is, err := s.object.shows(now.fields)
	switch {
	case err != nil:
		return "", sinks.Errorf(sinks.Refused, "azure-devops: read "+s.cfg.name(), "%w", err)
	case is.hidden:
		return "", sinks.ErrBlind
	}
	return is.id, nil
}
