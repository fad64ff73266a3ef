package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"keyturn/sinks"
	"keyturn/sinks/internal/awsapi"
)

// noLabel is a label that is attached to nothing.
const noLabel = "KEYTURN-CHECK"

// Check implements sinks.Sink.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	d, err := s.describe(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.writable(d); err != nil {
		return nil, err
	}
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if v.id == "" {
		return []sinks.Warning{"the secret has no value yet: permission to write is not proven"}, nil
	}
	return nil, s.mayWrite(ctx, v)
}

// writable says what stands against writing, whoever asks.
func (s *sink) writable(d *secretsmanager.DescribeSecretOutput) error {
	op := s.op("use")
	switch {
	case d.DeletedDate != nil:
		return sinks.Errorf(sinks.Refused, op, "the secret is scheduled for deletion: restore it with: aws secretsmanager restore-secret --region %s --secret-id %s", s.region, s.cfg.SecretID)
	case aws.ToString(d.OwningService) != "":
		return sinks.Errorf(sinks.Refused, op, "the secret is managed by %s", *d.OwningService)
	case aws.ToString(d.PrimaryRegion) != "" && *d.PrimaryRegion != s.region:
		return sinks.Errorf(sinks.Refused, op, "the secret is a replica: name its primary region, %s", *d.PrimaryRegion)
	case aws.ToBool(d.RotationEnabled):
		return sinks.Errorf(sinks.Refused, op, "the secret has a rotation of its own: end it with: aws secretsmanager cancel-rotate-secret --region %s --secret-id %s", s.region, s.cfg.SecretID)
	}
	return nil
}

// mayWrite makes the two calls of a push in a form that changes nothing. Only being denied counts:
// whatever else they answer, they were allowed. Source: Secrets Manager API Reference, PutSecretValue
// ("This operation is idempotent") and UpdateSecretVersionStage.
func (s *sink) mayWrite(ctx context.Context, v version) error {
	_, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.cfg.SecretID, SecretString: aws.String(v.text.Reveal()), ClientRequestToken: &v.id,
	})
	if err := s.matters(err); err != nil {
		return err
	}
	_, err = s.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &s.cfg.SecretID, VersionStage: aws.String(noLabel), RemoveFromVersionId: &v.id,
	})
	return s.matters(err)
}

func (s *sink) matters(err error) error {
	if err == nil {
		return nil
	}
	switch err := awsapi.Error(s.op("prove permission to write"), err); sinks.ClassOf(err) {
	case sinks.Refused, sinks.Conflict:
		return nil
	default:
		return err
	}
}
