package awsiam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"keyturn/rotator"
)

// Issuer is IAM and STS of the account that its configuration belongs to.
type Issuer struct {
	cfg    aws.Config
	iam    *iam.Client
	sts    *sts.Client
	memory *Memory
}

var _ rotator.Issuer = (*Issuer)(nil)

// New makes an Issuer from a configuration of package awsauth. memory may be shared by all
// Issuers of a process; nil means none is shared.
func New(cfg aws.Config, memory *Memory) *Issuer {
	if memory == nil {
		memory = NewMemory()
	}
	return &Issuer{cfg: cfg, iam: iam.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), memory: memory}
}

// Credentials is the access key id that keyturn itself signs with: AKIA... of a user, ASIA...
// of a session. It costs no call beyond fetching credentials.
func (i *Issuer) Credentials(ctx context.Context) (rotator.KeyID, error) {
	const op = "Credentials"
	if i.cfg.Credentials == nil {
		return "", failure(op, rotator.ClassCredentials, "", errNoCredentials)
	}
	c, err := i.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", classify(op, err)
	}
	return rotator.KeyID(c.AccessKeyID), nil
}

// Caller is who keyturn itself is: GetCallerIdentity, once per set of credentials.
func (i *Issuer) Caller(ctx context.Context) (rotator.Identity, error) {
	id, err := i.Credentials(ctx)
	if err != nil {
		return rotator.Identity{}, err
	}
	return i.memory.of(id).caller(ctx, func() (rotator.Identity, error) {
		return callerIdentity(ctx, i.sts)
	})
}

// callerIdentity asks whose credentials the client signs with. The call needs no permission.
func callerIdentity(ctx context.Context, c *sts.Client) (rotator.Identity, error) {
	const op = "GetCallerIdentity"
	out, err := c.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return rotator.Identity{}, classify(op, err)
	}
	id := rotator.Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn), UserID: aws.ToString(out.UserId)}
	if id.Account == "" || id.ARN == "" {
		return rotator.Identity{}, failure(op, rotator.ClassTemporary, "", errAnswer)
	}
	return id, nil
}
