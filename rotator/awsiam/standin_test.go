package awsiam

import (
	"testing"
	"time"

	"keyturn/internal/awsauth"
	"keyturn/internal/secret"
	"keyturn/internal/standin"
	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// The stand-in checks signatures, which the small world of the other tests does not.
func TestARotationsCallsThroughARole(t *testing.T) {
	home, prod := rotatortest.NewIAM(account), rotatortest.NewIAM("444455556666")
	home.AddUser("keyturn", "/")
	own, s, err := home.AddKey("keyturn", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	prod.AddUser(bot, "/robots/")
	old, _, err := prod.AddKey(bot, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	role := prod.AddRole("keyturn", "x1")
	aws, err := standin.Start(home, prod)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = aws.Close() })
	isolate(t, aws.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", string(own.ID))
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.Reveal())
	i := New(configure(t, awsauth.Options{
		Accounts: map[string]awsauth.Account{"prod": {RoleARN: role, ExternalID: "x1"}},
	}, awsauth.Session{Account: "prod", Robot: bot, Rotation: "20261120-7f3k9qx2"}), nil)
	ctx := t.Context()

	if id, err := i.Caller(ctx); err != nil || id.Account != "444455556666" || id.ARN != "arn:aws:sts::444455556666:assumed-role/keyturn/keyturn-ci-bot-20261120-7f3k9qx2" {
		t.Errorf("%+v, %v", id, err)
	}
	if users, err := i.Users(ctx); err != nil || len(users) != 1 || users[0].Name != bot {
		t.Errorf("%+v, %v", users, err)
	}
	if err := i.SetTag(ctx, bot, "j/r"); err != nil {
		t.Error(err)
	}
	if u, err := i.User(ctx, bot); err != nil || u.Tag != "j/r" || u.Account != "444455556666" || u.Path != "/robots/" {
		t.Errorf("%+v, %v", u, err)
	}
	k, fresh, err := i.Create(ctx, bot)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := i.Probe(ctx, k.ID, fresh, ""); err != nil || id.ARN != "arn:aws:iam::444455556666:user/robots/ci-bot" {
		t.Errorf("%+v, %v", id, err)
	}
	_, err = i.Probe(ctx, k.ID, secret.FromString("wrong"), "")
	wantError(t, err, rotator.ClassInvalid, "GetCallerIdentity: SignatureDoesNotMatch: AWS knows the key and does not accept its signature")
	if err := i.SetActive(ctx, bot, old.ID, false); err != nil {
		t.Error(err)
	}
	if err := i.Delete(ctx, bot, old.ID); err != nil {
		t.Error(err)
	}
	if keys, _, err := i.Keys(ctx, bot); err != nil || len(keys) != 1 || keys[0].ID != k.ID {
		t.Errorf("%+v, %v", keys, err)
	}
}
