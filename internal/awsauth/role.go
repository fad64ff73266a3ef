package awsauth

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// DefaultSessionName is the template of a session's name. CloudTrail shows the name beside
// every call, so that a key made in doubt can be traced to its rotation.
const DefaultSessionName = "keyturn-${robot}-${rotation}"

// role is an Account that was checked.
type role struct {
	Account
	number string
}

var (
	accountNumber = regexp.MustCompile(`^[0-9]{12}$`)
	// At most maxExternalID. Source: AssumeRole in the STS API Reference.
	externalID = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

const maxExternalID = 1224

func newRole(name string, acc Account) (role, error) {
	if name == Default {
		return role{}, errors.New("the name is taken by the SDK's credential chain")
	}
	a, err := arn.Parse(acc.RoleARN)
	if err != nil || a.Service != "iam" || !accountNumber.MatchString(a.AccountID) || !strings.HasPrefix(a.Resource, "role/") {
		return role{}, errors.New("role_arn is not of the form arn:aws:iam::111122223333:role/name")
	}
	if acc.ExternalID != "" && (!externalID.MatchString(acc.ExternalID) || len(acc.ExternalID) > maxExternalID) {
		return role{}, errors.New("external_id must be 2 to 1224 of letters, digits and _+=,.@:/-")
	}
	if acc.Duration == 0 {
		acc.Duration = time.Hour
	}
	if acc.Duration < 15*time.Minute || acc.Duration > 12*time.Hour {
		return role{}, errors.New("duration must be between 15m and 12h")
	}
	if acc.SessionName == "" {
		acc.SessionName = DefaultSessionName
	}
	// An id of a rotation is 17 characters long. What does not fit with one never will.
	if _, err := sessionName(acc.SessionName, Session{Rotation: "20060102-xxxxxxxx"}); err != nil {
		return role{}, err
	}
	return role{Account: acc, number: a.AccountID}, nil
}

// refreshBefore is how long before their end credentials are fetched anew.
const refreshBefore = 5 * time.Minute

// provider assumes the role with the credentials of base.
func (r role) provider(base aws.Config, session string) *provider {
	p := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), r.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = session
		o.Duration = r.Duration
		if r.ExternalID != "" {
			o.ExternalID = aws.String(r.ExternalID)
		}
	})
	cache := aws.NewCredentialsCache(bounded{p}, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = refreshBefore
		o.ExpiryWindowJitterFrac = 0.5
	})
	return newProvider(cache, fmt.Sprintf("assume role %s", r.RoleARN))
}
