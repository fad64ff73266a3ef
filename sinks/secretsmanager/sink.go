package secretsmanager

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/middleware"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/awsapi"
	"keyturn/sinks/internal/jsonpair"
)

const (
	current = "AWSCURRENT"
	pending = "AWSPENDING"
)

// sink implements sinks.Sink, sinks.Reader and sinks.Principal.
type sink struct {
	*awsapi.Self
	cfg    Config
	region string
	client *secretsmanager.Client
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	c, err := env.AWS(ctx, cfg.Account, cfg.place())
	if err != nil {
		return nil, fmt.Errorf("secretsmanager: %w", err)
	}
	return &sink{
		Self: awsapi.NewSelf("secretsmanager", c),
		cfg:  *cfg, region: c.Region, client: secretsmanager.NewFromConfig(c),
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

// Verify implements sinks.Sink: it reads AWSCURRENT again and compares.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	op := s.op("verify")
	v, err := s.read(ctx)
	switch {
	case errors.Is(err, jsonpair.ErrNotObject):
		return sinks.None, sinks.Errorf(sinks.Stale, op, "%s is not a JSON object any more", current)
	case err != nil:
		return sinks.None, err
	case v.object.Serves(s.cfg.Variables, cred):
		return sinks.Exact, nil
	}
	return sinks.None, sinks.Errorf(sinks.Stale, op, "%s does not serve key %s alone, but %s", current, cred.KeyID, v.object.Instead(s.cfg.Variables, cred.KeyID))
}

// version is what a version holds.
type version struct {
	id     string      // empty: the secret has no value yet
	text   secret.Text // all of it
	object jsonpair.Object
	stamp  sinks.Receipt
}

// read is the current version.
func (s *sink) read(ctx context.Context) (version, error) {
	op := s.op("read")
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.cfg.SecretID, VersionStage: aws.String(current)})
	if awsapi.Code(err) == "ResourceNotFoundException" {
		return version{}, s.empty(ctx)
	}
	if err != nil {
		return version{}, s.explain(ctx, awsapi.Error(op, err))
	}
	text := aws.ToString(out.SecretString)
	v := version{id: aws.ToString(out.VersionId), text: secret.FromString(text), stamp: sinks.Receipt{Stamp: aws.ToString(out.VersionId), At: aws.ToTime(out.CreatedDate)}}
	if v.object, err = jsonpair.Parse(text); err != nil {
		return version{}, sinks.Errorf(sinks.Refused, op, "%w: put '{}' or an object with your own fields into it first", err)
	}
	return v, nil
}

// empty tells a secret without a value, which is nil, from one that is not there.
func (s *sink) empty(ctx context.Context) error {
	_, err := s.describe(ctx)
	return err
}

// explain finds out why AWS refuses to read: its codes do not say.
func (s *sink) explain(ctx context.Context, err error) error {
	if sinks.ClassOf(err) != sinks.Refused {
		return err
	}
	if d, failed := s.describe(ctx); failed == nil {
		if why := s.writable(d); why != nil {
			return why
		}
	}
	return err
}

func (s *sink) describe(ctx context.Context) (*secretsmanager.DescribeSecretOutput, error) {
	out, err := s.client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &s.cfg.SecretID})
	if awsapi.Code(err) == "ResourceNotFoundException" {
		return nil, sinks.Errorf(sinks.Missing, s.op("read"), "the secret does not exist in %s: create it with: aws secretsmanager create-secret --region %s --name %s --secret-string '{}'", s.region, s.region, s.cfg.SecretID)
	}
	if err != nil {
		return nil, awsapi.Error(s.op("read"), err)
	}
	return out, nil
}

func (s *sink) op(what string) string { return "secretsmanager: " + what + " " + s.cfg.SecretID }

// wroteAt is the service's clock when it answered.
func wroteAt(version string, md middleware.Metadata) sinks.Receipt {
	at, _ := awsmiddleware.GetServerTime(md)
	return sinks.Receipt{Stamp: version, At: at}
}
