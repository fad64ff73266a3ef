package ssm

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/awsapi"
	"keyturn/sinks/internal/jsonpair"
)

// sink implements sinks.Sink, sinks.Reader and sinks.Principal.
type sink struct {
	*awsapi.Self
	cfg    Config
	client *ssm.Client
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	c, err := env.AWS(ctx, cfg.Account, cfg.Region)
	if err != nil {
		return nil, fmt.Errorf("ssm: %w", err)
	}
	return &sink{
		Self: awsapi.NewSelf("ssm", c),
		cfg:  *cfg, client: ssm.NewFromConfig(c),
	}, nil
}

// Serving implements sinks.Reader.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	v, err := s.read(ctx)
	if err != nil {
		return "", err
	}
	return v.object.KeyID(s.cfg.Variables), nil
}

// Verify implements sinks.Sink: it reads the parameter again and compares.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	op := s.op("verify")
	v, err := s.read(ctx)
	switch {
	case errors.Is(err, jsonpair.ErrNotObject):
		return sinks.None, sinks.Errorf(sinks.Stale, op, "the parameter is not a JSON object any more")
	case err != nil:
		return sinks.None, err
	case v.number == 0:
		return sinks.None, sinks.Errorf(sinks.Missing, op, "the parameter does not exist")
	case v.object.Serves(s.cfg.Variables, cred):
		return sinks.Exact, nil
	}
	return sinks.None, sinks.Errorf(sinks.Stale, op, "the parameter does not serve key %s alone, but %s", cred.KeyID, v.object.Instead(s.cfg.Variables, cred.KeyID))
}

// version is what the parameter holds.
type version struct {
	number int64       // 0: there is no parameter
	text   secret.Text // all of it
	object jsonpair.Object
	stamp  sinks.Receipt
}

// read is the newest version. No parameter is no error: a push creates it.
func (s *sink) read(ctx context.Context) (version, error) {
	op := s.op("read")
	out, err := s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &s.cfg.Name, WithDecryption: aws.Bool(true)})
	if awsapi.Code(err) == "ParameterNotFound" {
		return version{}, nil
	}
	if err != nil {
		return version{}, awsapi.Error(op, err)
	}
	if out.Parameter == nil || out.Parameter.Version == 0 {
		return version{}, sinks.Errorf(sinks.Temporary, op, "the answer names no parameter")
	}
	if t := out.Parameter.Type; t != types.ParameterTypeSecureString {
		return version{}, sinks.Errorf(sinks.Refused, op, "the parameter is of type %s, which is not encrypted: delete it, and let keyturn create it as a SecureString", t)
	}
	text := aws.ToString(out.Parameter.Value)
	v := version{
		number: out.Parameter.Version, text: secret.FromString(text),
		stamp: sinks.Receipt{Stamp: stamp(out.Parameter.Version), At: aws.ToTime(out.Parameter.LastModifiedDate)},
	}
	if v.object, err = jsonpair.Parse(text); err != nil {
		return version{}, sinks.Errorf(sinks.Refused, op, "%w: put {} or an object with your own fields into it first", err)
	}
	return v, nil
}

func stamp(version int64) string { return strconv.FormatInt(version, 10) }

func (s *sink) op(what string) string { return "ssm: " + what + " " + s.cfg.Name }
