package awsiam

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"keyturn/rotator"
)

// quarantinePrefix begins the names of the policies that AWS attaches to a user whose key it
// found in public. Source: "AWSCompromisedKeyQuarantineV3" in the AWS Managed Policy Reference.
const quarantinePrefix = "AWSCompromisedKeyQuarantine"

// Quarantine lists the ARNs of AWS's quarantine policies attached to the user. They bind
// every key of the user, a new one too.
func (i *Issuer) Quarantine(ctx context.Context, user string) ([]string, error) {
	const op = "ListAttachedUserPolicies"
	if user == "" {
		return nil, failure(op, rotator.ClassInvalid, "", errNoName)
	}
	var found []string
	var marker *string
	for range maxPages {
		out, err := i.iam.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: &user, Marker: marker})
		if err != nil {
			return nil, classify(op, err)
		}
		for _, p := range out.AttachedPolicies {
			if isQuarantine(aws.ToString(p.PolicyArn)) {
				found = append(found, aws.ToString(p.PolicyArn))
			}
		}
		if !out.IsTruncated {
			return found, nil
		}
		marker = out.Marker
	}
	return nil, failure(op, rotator.ClassTemporary, "", errEndless)
}

// LiftQuarantine detaches a policy that Quarantine listed, and no other. Not attached any more is success.
func (i *Issuer) LiftQuarantine(ctx context.Context, user, policy string) error {
	const op = "DetachUserPolicy"
	if user == "" {
		return failure(op, rotator.ClassInvalid, "", errNoName)
	}
	if !isQuarantine(policy) {
		return failure(op, rotator.ClassInvalid, "", errors.New("the policy is not AWS's quarantine policy"))
	}
	_, err := i.iam.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: &user, PolicyArn: &policy})
	e := classify(op, err)
	if !missing(e) || class(e) == rotator.ClassNoUser {
		return e
	}
	// The user and the policy are "not found" alike: ask which it is.
	left, err := i.Quarantine(ctx, user)
	if err != nil {
		return err
	}
	if slices.Contains(left, policy) {
		return failure(op, rotator.ClassTemporary, "NoSuchEntity", errors.New("the policy is still listed"))
	}
	return nil
}

// isQuarantine says whether the ARN is of a quarantine policy of AWS's own, in any partition.
func isQuarantine(policy string) bool {
	a, err := arn.Parse(policy)
	return err == nil && a.Service == "iam" && a.AccountID == "aws" && strings.HasPrefix(a.Resource, "policy/"+quarantinePrefix)
}
