package sinks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"keyturn/internal/pace"
)

// Config is the typed configuration of a kind. Its exported fields carry yaml tags; the
// types a field may have are listed at config.Decode.
type Config interface {
	// Validate names every field that is wrong: FieldErrors joined with errors.Join.
	Validate() error
	// Destination names what a Push changes, and nothing else: two configurations with the
	// same Destination write to the same place. It is journalled as a fingerprint, so that a
	// destination that was edited is noticed.
	Destination() string
}

// Env is what a kind gets from its host when it is opened.
type Env struct {
	// AWS gives SDK configuration for an account of the configuration ("" is the default
	// one) and a region ("" is the configured one).
	AWS func(ctx context.Context, account, region string) (aws.Config, error)
	// UserAgent is sent with every HTTP request.
	UserAgent string
	// Pace gives the limiter that all sinks of one store share, by the store's address. It may
	// be nil: then each sink has its own.
	Pace func(store string) *pace.Limiter
	// Serials keeps changes of one place apart. It may be nil: then each sink has its own.
	Serials *Serials
	// Canary is the job that shows that a pair works where jobs run; nil if the robot's sink names none.
	Canary *CanaryConfig
}

// CanaryConfig names a job of the sink's CI. It stands at the robot's sink, as canary.
type CanaryConfig struct {
	Workflow string        `yaml:"workflow" doc:"what to start: a workflow file, a pipeline; the page of the kind says what it takes"`
	Ref      string        `yaml:"ref" doc:"branch or tag on which it runs"`
	Deadline time.Duration `yaml:"deadline" doc:"how long it may take, waiting for a runner included; default 10m"`
}

// Spec describes a kind of sink.
type Spec struct {
	Kind     string   // the key in the configuration: "vault"
	Summary  string   // what it writes, in a line
	Best     Evidence // the best evidence it can give
	Verified string   // what the kind is verified against: a real server, a description, documentation only
	Doc      string   // the manual page: the package comment of doc.go

	// New returns a pointer to a configuration that holds the defaults.
	New func() Config
	// Open makes a sink of a valid configuration. Secret references are resolved here.
	Open func(ctx context.Context, cfg Config, env Env) (Sink, error)
}

// Definition is what a kind states of itself to Define.
type Definition[C any, P interface {
	*C
	Config
}] struct {
	Kind     string
	Summary  string
	Best     Evidence
	Verified string
	Source   string // the text of doc.go, embedded
	Defaults C
	Open     func(ctx context.Context, cfg P, env Env) (Sink, error)
}

// Define ties a kind to its typed configuration.
func Define[C any, P interface {
	*C
	Config
}](d Definition[C, P]) Spec {
	return Spec{
		Kind: d.Kind, Summary: d.Summary, Best: d.Best, Verified: d.Verified, Doc: page(d.Source),
		New: func() Config {
			c := d.Defaults
			return P(&c)
		},
		Open: func(ctx context.Context, cfg Config, env Env) (Sink, error) {
			c, ok := cfg.(P)
			if !ok {
				return nil, fmt.Errorf("%s: configuration of another kind (%T)", d.Kind, cfg)
			}
			return d.Open(ctx, c, env)
		},
	}
}

// page is the comment above the package clause, without its markers.
func page(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		text, ok := strings.CutPrefix(line, "//")
		if !ok {
			break
		}
		b.WriteString(strings.TrimPrefix(text, " "))
	}
	return b.String()
}

// FieldError says what is wrong with one field of a configuration.
type FieldError struct {
	Field string // dotted path of yaml names: "approle.role_id"
	Msg   string // "must not be empty": never the value
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Msg }

// Fieldf makes a *FieldError.
func Fieldf(field, format string, args ...any) error {
	return &FieldError{Field: field, Msg: fmt.Sprintf(format, args...)}
}

// Variables are the names under which a store serves a pair. Stores that hold one object use
// them as its fields. Embed it in a Config as `yaml:"variables"`.
type Variables struct {
	AccessKeyID     string `yaml:"access_key_id"`
	SecretAccessKey string `yaml:"secret_access_key"`
	SessionToken    string `yaml:"session_token"`
}

// DefaultVariables are the names that AWS SDKs read.
var DefaultVariables = Variables{
	AccessKeyID: "AWS_ACCESS_KEY_ID", SecretAccessKey: "AWS_SECRET_ACCESS_KEY", SessionToken: "AWS_SESSION_TOKEN",
}

// Validate says whether the three names are there and differ; field is the path of v.
func (v Variables) Validate(field string) error {
	if v.AccessKeyID == "" || v.SecretAccessKey == "" || v.SessionToken == "" {
		return Fieldf(field, "access_key_id, secret_access_key and session_token must not be empty")
	}
	if v.AccessKeyID == v.SecretAccessKey || v.AccessKeyID == v.SessionToken || v.SecretAccessKey == v.SessionToken {
		return Fieldf(field, "access_key_id, secret_access_key and session_token must differ")
	}
	return nil
}
