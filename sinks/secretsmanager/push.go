package secretsmanager

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"keyturn/sinks"
	"keyturn/sinks/internal/awsapi"
	"keyturn/sinks/internal/jsonpair"
)

// pushRounds is how often a push begins anew because somebody else wrote.
const pushRounds = 3

// Push implements sinks.Sink.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	for round := range pushRounds {
		r, err = s.round(ctx, cred, round)
		if sinks.ClassOf(err) != sinks.Conflict {
			break
		}
	}
	return r, err
}

func (s *sink) round(ctx context.Context, cred sinks.Credential, round int) (sinks.Receipt, error) {
	before, err := s.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if before.object.Serves(s.cfg.Variables, cred) {
		return before.stamp, nil
	}
	text := before.object.With(s.cfg.Variables, cred).Text()
	defer text.Wipe()
	put := &secretsmanager.PutSecretValueInput{
		SecretId: &s.cfg.SecretID, SecretString: aws.String(text.Reveal()),
		ClientRequestToken: aws.String(s.versionID(before.id, cred.KeyID, round)),
	}
	if before.id != "" { // the first version of all becomes the current one by itself
		put.VersionStages = []string{pending}
	}
	out, err := s.client.PutSecretValue(ctx, put)
	if err != nil {
		return sinks.Receipt{}, awsapi.Error(s.op("write"), err)
	}
	if before.id == "" {
		return wroteAt(*put.ClientRequestToken, out.ResultMetadata), nil
	}
	if err := s.holds(ctx, *put.ClientRequestToken, cred); err != nil {
		return sinks.Receipt{}, err
	}
	return s.promote(ctx, before.id, *put.ClientRequestToken)
}

// holds reads a version back before any reader gets it.
func (s *sink) holds(ctx context.Context, id string, cred sinks.Credential) error {
	op := s.op("read back")
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.cfg.SecretID, VersionId: &id})
	if awsapi.Code(err) == "ResourceNotFoundException" {
		return sinks.Errorf(sinks.Temporary, op, "the version that was written is not shown yet")
	}
	if err != nil {
		return awsapi.Error(op, err)
	}
	if o, err := jsonpair.Parse(aws.ToString(out.SecretString)); err != nil || !o.Serves(s.cfg.Variables, cred) {
		return sinks.Errorf(sinks.Conflict, op, "the version does not hold what was written")
	}
	return nil
}

// promote moves AWSCURRENT, and only if it still is where the push found it.
func (s *sink) promote(ctx context.Context, from, to string) (sinks.Receipt, error) {
	op := s.op("make current")
	out, err := s.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &s.cfg.SecretID, VersionStage: aws.String(current), MoveToVersionId: &to, RemoveFromVersionId: &from,
	})
	if awsapi.Code(err) == "InvalidParameterException" {
		return sinks.Receipt{}, sinks.Errorf(sinks.Conflict, op, "somebody else changed the secret at the same time")
	}
	if err != nil {
		return sinks.Receipt{}, awsapi.Error(op, err)
	}
	return wroteAt(to, out.ResultMetadata), nil
}

// versionID is the same for the same push, so that repeating one makes no further version. It does not
// depend on values. A later round takes another: the first may belong to a version of other content.
func (s *sink) versionID(before string, key sinks.KeyID, round int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "keyturn\n%s\n%s\n%s\n%d", s.cfg.Destination(), before, key, round))
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
