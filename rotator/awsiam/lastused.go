package awsiam

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"keyturn/rotator"
)

// notApplicable is what AWS shows where there is nothing to show: for a key never used, and
// for the Region of a service that has none. So it says nothing about use.
const notApplicable = "N/A"

// LastUsed tells when a key last signed a request; a zero Use.At is "never seen". AWS shows a
// use minutes late.
//
// AWS answers AccessDenied, naming "access key", for a key that is gone or in another account. That is
// ClassNoKey once these credentials were allowed to ask about some key, and ClassDenied before.
func (i *Issuer) LastUsed(ctx context.Context, id rotator.KeyID) (rotator.Use, error) {
	const op = "GetAccessKeyLastUsed"
	own, err := i.Credentials(ctx)
	if err != nil {
		return rotator.Use{}, err
	}
	proof := &i.memory.of(own).reads
	out, err := i.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(string(id))})
	if err != nil {
		e := classify(op, err)
		if class(e) == rotator.ClassDenied && proof.Load() && strings.Contains(e.Error(), "on resource: access key ") {
			return rotator.Use{}, failure(op, rotator.ClassNoKey, "AccessDenied",
				errors.New("AWS shows no such key in this account"))
		}
		return rotator.Use{}, e
	}
	proof.Store(true)
	use := rotator.Use{User: aws.ToString(out.UserName)}
	if last := out.AccessKeyLastUsed; last != nil && last.LastUsedDate != nil {
		use.At = *last.LastUsedDate
		use.Service = shown(last.ServiceName)
		use.Region = shown(last.Region)
	}
	return use, nil
}

func shown(s *string) string {
	if aws.ToString(s) == notApplicable {
		return ""
	}
	return aws.ToString(s)
}
