package ssm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/awsapi"
)

// Push implements sinks.Sink.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	before, err := s.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if before.object.Serves(s.cfg.Variables, cred) {
		return before.stamp, nil
	}
	p, err := s.properties(ctx, before)
	if err != nil {
		return sinks.Receipt{}, err
	}
	text := before.object.With(s.cfg.Variables, cred).Text()
	defer text.Wipe()
	if err := s.fits(p, text); err != nil {
		return sinks.Receipt{}, err
	}
	out, err := s.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &s.cfg.Name, Value: aws.String(text.Reveal()), Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
		KeyId: p.key, Tier: p.tier, Description: p.description, AllowedPattern: p.pattern, DataType: p.dataType,
	})
	if err != nil {
		return sinks.Receipt{}, awsapi.Error(s.op("write"), err)
	}
	at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
	return sinks.Receipt{Stamp: stamp(out.Version), At: at}, nil
}

// properties are what a put would change if it did not repeat them.
type properties struct {
	known                               bool
	key, description, pattern, dataType *string
	tier                                types.ParameterTier
}

// properties reads them. Not being allowed to is no error: known is false then.
func (s *sink) properties(ctx context.Context, v version) (properties, error) {
	p := properties{known: true, key: text(s.cfg.KMSKeyID)}
	if v.number == 0 {
		return p, nil
	}
	out, err := s.client.DescribeParameters(ctx, &ssm.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{
		{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{s.cfg.Name}},
	}})
	if err != nil {
		err = awsapi.Error(s.op("describe"), err)
		if sinks.ClassOf(err) != sinks.Denied {
			return p, err
		}
		p.known = false
		return p, nil
	}
	if len(out.Parameters) == 0 {
		p.known = false
		return p, nil
	}
	m := out.Parameters[0]
	p.description, p.pattern, p.dataType, p.tier = m.Description, m.AllowedPattern, m.DataType, m.Tier
	if p.key == nil {
		p.key = m.KeyId
	}
	return p, nil
}

// text is nil if there is none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// The largest values, in bytes. Source: Systems Manager API Reference, PutParameter, Value.
const (
	maxStandard = 4096
	maxAdvanced = 8192
)

func (s *sink) fits(p properties, value secret.Text) error {
	limit := maxAdvanced
	if p.known && p.tier != types.ParameterTierAdvanced && p.tier != types.ParameterTierIntelligentTiering {
		limit = maxStandard
	}
	if value.Len() > limit {
		return sinks.Errorf(sinks.Refused, s.op("write"), "the object with the pair has %d bytes, and the parameter's tier allows %d", value.Len(), limit)
	}
	return nil
}
