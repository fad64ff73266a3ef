package awsiam

import (
	"strings"
	"testing"

	"keyturn/rotator"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	const quarantined = "User: arn:aws:iam::111122223333:user/ci-bot is not authorized to perform: iam:UpdateAccessKey on resource: user ci-bot with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"
	for name, tc := range map[string]struct {
		fault fault
		class rotator.IssuerClass
		text  string
	}{
		"quarantine":  {refused(403, "AccessDenied", quarantined), rotator.ClassQuarantined, "AccessDenied: " + quarantined},
		"denied":      {sampled("GetAccessKeyLastUsed.foreign"), rotator.ClassDenied, "AccessDenied: User: arn:aws:iam::111122223333:user/rotator is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE"},
		"unknown key": {sampled("UpdateAccessKey.nokey"), rotator.ClassNoKey, "NoSuchEntity: The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."},
		"unknown user": {sampled("CreateAccessKey.nouser"), rotator.ClassNoUser,
			"NoSuchEntity: The user with name nonexistent-user cannot be found."},
		"not found, and not said what": {refused(404, "NoSuchEntity", "gone"), rotator.ClassNoKey, "NoSuchEntity: gone"},
		"no user was named":            {sampled("DeleteAccessKey.nouser"), rotator.ClassInvalid, "ValidationError: Must specify userName when calling with non-User credentials"},
		"a quota that is not of keys":  {refused(409, "LimitExceeded", "Cannot exceed quota for TagsPerUser: 50"), rotator.ClassInvalid, "LimitExceeded: Cannot exceed quota for TagsPerUser: 50"},
		"busy":                         {refused(409, "EntityTemporarilyUnmodifiable", "wait"), rotator.ClassBusy, "EntityTemporarilyUnmodifiable: wait"},
		"concurrent":                   {refused(409, "ConcurrentModification", "wait"), rotator.ClassBusy, "ConcurrentModification: wait"},
		"own key":                      {sampled("any.badkey"), rotator.ClassCredentials, "InvalidClientTokenId: AWS does not know the access key that keyturn signs with: it was deactivated, deleted or mistyped, or its session token is missing"},
		"own signature":                {refused(403, "SignatureDoesNotMatch", "x-amz-security-token:own/TokenCanary"), rotator.ClassCredentials, "SignatureDoesNotMatch: AWS does not accept keyturn's own signature: its secret key is wrong, or this host's clock is off"},
		"own session":                  {refused(403, "ExpiredToken", "expired"), rotator.ClassCredentials, "ExpiredToken: the session that keyturn signs with has ended: renew its credentials"},
		"an unknown refusal":           {refused(400, "OptInRequired", "subscribe\nfirst"), rotator.ClassInvalid, "OptInRequired: subscribe first"},
		"a refusal without a code":     {fault{status: 403}, rotator.ClassTemporary, "HTTP 403: UnknownError: UnknownError"},
		"a refusal of a proxy":         {fault{status: 407, body: "<html><br></html>"}, rotator.ClassTemporary, "HTTP 407, and an answer that is cut off or not understood"},
		"a long message":               {refused(403, "AccessDenied", strings.Repeat("ä", 400)), rotator.ClassDenied, "AccessDenied: " + strings.Repeat("ä", 256) + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fault = func(string, int) fault { return tc.fault }
			err := w.open(t, 0).SetActive(t.Context(), bot, "AKIAIOSFODNN7EXAMPLE", false)
			wantError(t, err, tc.class, "UpdateAccessKey: "+tc.text)
		})
	}
}

func sampled(name string) fault { return fault{sample: name} }

func TestTheSamplesOfAWSAreRead(t *testing.T) {
	w := newWorld(t)
	i := w.open(t, 0)
	ctx := t.Context()
	w.fault = func(a string, _ int) fault {
		return map[string]fault{
			"ListAccessKeys": sampled("ListAccessKeys"), "CreateAccessKey": sampled("CreateAccessKey"),
			"UpdateAccessKey": sampled("UpdateAccessKey"), "DeleteAccessKey": sampled("DeleteAccessKey"),
			"GetAccessKeyLastUsed": sampled("GetAccessKeyLastUsed.used"), "GetCallerIdentity": sampled("sts.GetCallerIdentity"),
		}[a]
	}
	if keys, _, err := i.Keys(ctx, "ci-deployer"); err != nil || len(keys) != 2 || keys[1].Status != rotator.Inactive || keys[0].CreatedAt.Day() != 2 {
		t.Errorf("%+v, %v", keys, err)
	}
	if k, s, err := i.Create(ctx, "ci-deployer"); err != nil || k.ID != "AKIARTX3GSDSVHZCMZNG" || s.Len() != 40 {
		t.Errorf("%+v, %d, %v", k, s.Len(), err)
	}
	if u, err := i.LastUsed(ctx, "AKIARTX3GSDSVHZCMZNG"); err != nil || u.Region != "us-east-1" || u.Service != "iam" || u.User != "ci-deployer" || u.At.Minute() != 37 {
		t.Errorf("%+v, %v", u, err)
	}
	if id, err := i.Caller(ctx); err != nil || id.Account != account || id.ARN != "arn:aws:iam::111122223333:user/robots/ci-deployer" {
		t.Errorf("%+v, %v", id, err)
	}
	if err := i.SetActive(ctx, "ci-deployer", "AKIARTX3GSDSVHZCMZNG", true); err != nil {
		t.Error(err)
	}
	if err := i.Delete(ctx, "ci-deployer", "AKIARTX3GSDSVHZCMZNG"); err != nil {
		t.Error(err)
	}
}
