package awsiam

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"keyturn/rotator"
)

// IAM takes the caller for the user if none is named, so an empty name must never be sent.
var errNoName = errors.New("no user is named")

// User describes a user: GetUser, which tells the tags too.
func (i *Issuer) User(ctx context.Context, name string) (rotator.User, error) {
	const op = "GetUser"
	if name == "" {
		return rotator.User{}, failure(op, rotator.ClassInvalid, "", errNoName)
	}
	out, err := i.iam.GetUser(ctx, &iam.GetUserInput{UserName: &name})
	if err != nil {
		return rotator.User{}, classify(op, err)
	}
	if out.User == nil {
		return rotator.User{}, failure(op, rotator.ClassTemporary, "", errAnswer)
	}
	u := rotator.User{
		Name: aws.ToString(out.User.UserName),
		Path: aws.ToString(out.User.Path),
		ID:   aws.ToString(out.User.UserId),
		ARN:  aws.ToString(out.User.Arn),
		Tag:  ownTag(out.User.Tags),
	}
	a, err := arn.Parse(u.ARN)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "user/") || u.ID == "" || !strings.EqualFold(u.Name, name) {
		return rotator.User{}, failure(op, rotator.ClassTemporary, "", errAnswer)
	}
	u.Account = a.AccountID
	return u, nil
}

// ownTag is the value of keyturn's tag. IAM does not tell tag keys apart by case.
func ownTag(tags []types.Tag) string {
	for _, t := range tags {
		if strings.EqualFold(aws.ToString(t.Key), rotator.Tag) {
			return aws.ToString(t.Value)
		}
	}
	return ""
}

// SetTag writes the ownership tag: TagUser, which replaces the value and leaves other tags alone.
func (i *Issuer) SetTag(ctx context.Context, user, value string) error {
	const op = "TagUser"
	if user == "" {
		return failure(op, rotator.ClassInvalid, "", errNoName)
	}
	_, err := i.iam.TagUser(ctx, &iam.TagUserInput{
		UserName: &user,
		Tags:     []types.Tag{{Key: aws.String(rotator.Tag), Value: &value}},
	})
	return classify(op, err)
}
