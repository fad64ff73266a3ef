package awsiam

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"keyturn/rotator"
)

// ListedUser is an IAM user as ListUsers shows it, which knows no tags and no keys.
type ListedUser struct {
	Name         string
	Path         string
	PasswordUsed time.Time // at the console; zero: never, or no password
}

// maxUsers bounds ListUsers: an account has at most 5,000 users (IAM quotas).
const maxUsers = 5000

// Users lists the account's users.
func (i *Issuer) Users(ctx context.Context) ([]ListedUser, error) {
	const op = "ListUsers"
	var users []ListedUser
	var marker *string
	for len(users) <= maxUsers {
		out, err := i.iam.ListUsers(ctx, &iam.ListUsersInput{Marker: marker})
		if err != nil {
			return nil, classify(op, err)
		}
		for _, u := range out.Users {
			users = append(users, ListedUser{Name: aws.ToString(u.UserName), Path: aws.ToString(u.Path), PasswordUsed: aws.ToTime(u.PasswordLastUsed)})
		}
		if !out.IsTruncated {
			return users, nil
		}
		if len(out.Users) == 0 || aws.ToString(out.Marker) == "" {
			break
		}
		marker = out.Marker
	}
	return nil, failure(op, rotator.ClassTemporary, "", errAnswer)
}
