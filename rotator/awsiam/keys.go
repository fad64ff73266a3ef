package awsiam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"keyturn/rotator"
)

// maxPages bounds a list. IAM gives 100 entries a page; a user has two keys and some twenty policies.
const maxPages = 20

var (
	errEndless = fmt.Errorf("the list has more than %d pages", maxPages)
	errNoDate  = errors.New("the answer has no Date: what stands between keyturn and AWS removes it")
)

// Keys lists the user's keys, with AWS's clock when the list was begun (the Date of its first
// answer): a key made later may be missing.
func (i *Issuer) Keys(ctx context.Context, user string) ([]rotator.Key, time.Time, error) {
	const op = "ListAccessKeys"
	if user == "" {
		return nil, time.Time{}, failure(op, rotator.ClassInvalid, "", errNoName)
	}
	var (
		keys   []rotator.Key
		clock  time.Time
		marker *string
	)
	for range maxPages {
		out, err := i.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: &user, Marker: marker})
		if err != nil {
			return nil, time.Time{}, classify(op, err)
		}
		if clock.IsZero() {
			clock, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
		}
		for _, k := range out.AccessKeyMetadata {
			keys = append(keys, rotator.Key{
				ID:        rotator.KeyID(aws.ToString(k.AccessKeyId)),
				Status:    rotator.KeyStatus(k.Status),
				CreatedAt: aws.ToTime(k.CreateDate),
			})
		}
		if !out.IsTruncated {
			if clock.IsZero() {
				return nil, time.Time{}, failure(op, rotator.ClassTemporary, "", errNoDate)
			}
			return keys, clock, nil
		}
		marker = out.Marker
	}
	return nil, time.Time{}, failure(op, rotator.ClassTemporary, "", errEndless)
}

// SetActive makes a key Active or Inactive: UpdateAccessKey. Idempotent.
func (i *Issuer) SetActive(ctx context.Context, user string, id rotator.KeyID, active bool) error {
	const op = "UpdateAccessKey"
	if user == "" {
		return failure(op, rotator.ClassInvalid, "", errNoName)
	}
	status := types.StatusTypeInactive
	if active {
		status = types.StatusTypeActive
	}
	_, err := i.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
		UserName: &user, AccessKeyId: aws.String(string(id)), Status: status,
	})
	return classify(op, err)
}

// Delete removes a key for good: DeleteAccessKey. "Not found" is success only if a list of
// the user's keys succeeds without it; a list that fails is the error. Idempotent.
func (i *Issuer) Delete(ctx context.Context, user string, id rotator.KeyID) error {
	const op = "DeleteAccessKey"
	if user == "" {
		return failure(op, rotator.ClassInvalid, "", errNoName)
	}
	_, err := i.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: aws.String(string(id))})
	e := classify(op, err)
	if !missing(e) {
		return e
	}
	keys, _, err := i.Keys(ctx, user)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(keys, func(k rotator.Key) bool { return k.ID == id }) {
		return failure(op, rotator.ClassTemporary, "NoSuchEntity", errors.New("the key is still listed"))
	}
	return nil
}
