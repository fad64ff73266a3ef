package awsiam

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// probeSession names the session of an assumed role, which nobody uses.
const probeSession = "keyturn-probe"

// Probe lets the pair itself sign GetCallerIdentity, and, if role is not empty, AssumeRole
// beside it. One attempt, ClassNotYet while AWS does not know the key. The identity is
// returned as AWS told it; the session of the role is dropped unseen.
func (i *Issuer) Probe(ctx context.Context, id rotator.KeyID, s secret.Text, role string) (rotator.Identity, error) {
	cfg := i.cfg.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(string(id), s.Reveal(), "")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	pair := sts.NewFromConfig(cfg)

	var identity rotator.Identity
	var group errgroup.Group
	var asked, assumed error
	group.Go(func() error {
		asked = probe(ctx, func() (err error) {
			identity, err = callerIdentity(ctx, pair)
			return err
		})
		return nil
	})
	if role != "" {
		group.Go(func() error {
			assumed = probe(ctx, func() error { return assume(ctx, pair, role) })
			return nil
		})
	}
	_ = group.Wait()
	if asked != nil {
		return rotator.Identity{}, asked
	}
	if assumed != nil {
		return rotator.Identity{}, assumed
	}
	return identity, nil
}

// assume asks for the shortest session there is: 15 minutes.
func assume(ctx context.Context, pair *sts.Client, role string) error {
	_, err := pair.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         &role,
		RoleSessionName: aws.String(probeSession),
		DurationSeconds: aws.Int32(900),
	})
	return classify("AssumeRole", err)
}

// probe makes a call once. A refused signature is tried once more: STS refuses a right one when
// it has just seen a wrong one of the same key, and the second attempt has AWS's clock.
func probe(ctx context.Context, call func() error) error {
	err := ofPair(untilTaken(ctx, call))
	if class(err) == rotator.ClassInvalid && code(err) == badSignature {
		err = ofPair(untilTaken(ctx, call))
	}
	return err
}

const badSignature = "SignatureDoesNotMatch"

// ofPair says what an error about credentials means when they are the pair's.
func ofPair(err error) error {
	var e *rotator.IssuerError
	if !errors.As(err, &e) || e.Class != rotator.ClassCredentials {
		return err
	}
	if unknownKey[e.Code] {
		return failure(e.Op, rotator.ClassNotYet, e.Code, errors.New(e.Code+": AWS does not know the key yet"))
	}
	return failure(e.Op, rotator.ClassInvalid, e.Code, errors.New(e.Code+": AWS knows the key and does not accept its signature"))
}
