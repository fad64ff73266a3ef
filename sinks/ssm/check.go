package ssm

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/awsapi"
)

// example has the size of every pair.
var example = sinks.Credential{
	KeyID: sinks.KeyID(strings.Repeat("A", 20)), Secret: secret.FromString(strings.Repeat("s", 40)),
}

// Check implements sinks.Sink.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.properties(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := s.fits(p, v.object.With(s.cfg.Variables, example).Text()); err != nil {
		return nil, err
	}
	if v.number == 0 {
		return []sinks.Warning{"the parameter does not exist: the first push creates it; permission to write is not proven"}, nil
	}
	var warnings []sinks.Warning
	if !p.known && s.cfg.KMSKeyID == "" {
		warnings = append(warnings, "the parameter's key cannot be seen: a push encrypts with aws/ssm; allow ssm:DescribeParameters or set kms_key_id")
	}
	return warnings, s.mayWrite(ctx, v)
}

// mayWrite puts what is there without leave to overwrite. Only being denied counts: whatever else
// the answer is, the call was allowed. Source: Systems Manager API Reference, PutParameter, Overwrite.
func (s *sink) mayWrite(ctx context.Context, v version) error {
	_, err := s.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &s.cfg.Name, Value: aws.String(v.text.Reveal()), Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(false),
		KeyId: text(s.cfg.KMSKeyID),
	})
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
