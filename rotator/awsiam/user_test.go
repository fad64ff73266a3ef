package awsiam

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyturn/rotator"
)

func TestUserAndItsTag(t *testing.T) {
	w := newWorld(t)
	i := w.open(t, 0)
	if err := i.SetTag(t.Context(), bot, "j1/20261120-7f3k9qx2"); err != nil {
		t.Fatal(err)
	}
	u, err := i.User(t.Context(), bot)
	if err != nil {
		t.Fatal(err)
	}
	want := rotator.User{
		Name: bot, Path: "/robots/", ID: "AIDARTX3GSDSVHZCMZNH", Account: account,
		ARN: "arn:aws:iam::111122223333:user/robots/ci-bot", Tag: "j1/20261120-7f3k9qx2",
	}
	if d := cmp.Diff(want, u); d != "" {
		t.Error(d)
	}
}

func TestUserOfAnotherPartition(t *testing.T) {
	w := newWorld(t)
	w.fault = once("GetUser", fault{status: 200, body: result("GetUser", "<User><Path>/</Path><UserName>CI-Bot</UserName><UserId>AIDAX</UserId><Arn>arn:aws-cn:iam::444455556666:user/CI-Bot</Arn></User>")})
	u, err := w.open(t, 0).User(t.Context(), bot)
	if err != nil || u.Account != "444455556666" || u.Name != "CI-Bot" || u.Tag != "" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestUserErrors(t *testing.T) {
	w := newWorld(t)
	i := w.open(t, 0)
	_, err := i.User(t.Context(), "nobody")
	wantError(t, err, rotator.ClassNoUser, "GetUser: NoSuchEntity: The user with name nobody cannot be found.")
	_, err = i.User(t.Context(), "")
	wantError(t, err, rotator.ClassInvalid, "GetUser: no user is named")
	wantError(t, i.SetTag(t.Context(), "", "x"), rotator.ClassInvalid, "TagUser: no user is named")
	for name, answer := range map[string]string{
		"an empty answer": "",
		"another user":    "<User><UserName>x</UserName><UserId>AIDAX</UserId><Arn>arn:aws:iam::444455556666:user/x</Arn></User>",
		"a strange ARN":   "<User><UserName>ci-bot</UserName><UserId>AIDAX</UserId><Arn>ci-bot</Arn></User>",
		"a role's ARN":    "<User><UserName>ci-bot</UserName><UserId>AIDAX</UserId><Arn>arn:aws:iam::444455556666:role/ci-bot</Arn></User>",
		"no UserId":       "<User><UserName>ci-bot</UserName><Arn>arn:aws:iam::444455556666:user/ci-bot</Arn></User>",
	} {
		t.Run(name, func(t *testing.T) {
			w.fault = func(string, int) fault { return fault{status: 200, body: result("GetUser", answer)} }
			_, err := i.User(t.Context(), bot)
			wantError(t, err, rotator.ClassTemporary, "GetUser: the answer is not understood")
		})
	}
}

func TestLastUsed(t *testing.T) {
	w := newWorld(t)
	i := w.open(t, 0)
	k := w.mint(bot)
	gone := rotator.KeyID("AKIAIOSFODNN7EXAMPLE")

	_, err := i.LastUsed(t.Context(), gone)
	wantError(t, err, rotator.ClassDenied, "GetAccessKeyLastUsed: AccessDenied: User: arn:aws:iam::111122223333:user/keyturn is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE")

	use, err := i.LastUsed(t.Context(), rotator.KeyID(k.id))
	if d := cmp.Diff(rotator.Use{User: bot}, use); d != "" || err != nil {
		t.Errorf("never used: %s, %v", d, err)
	}
	k.used = k.made
	use, err = i.LastUsed(t.Context(), rotator.KeyID(k.id))
	if d := cmp.Diff(rotator.Use{At: k.made, Service: "s3", User: bot}, use); d != "" || err != nil {
		t.Errorf("used without a Region: %s, %v", d, err)
	}

	_, err = i.LastUsed(t.Context(), gone)
	wantError(t, err, rotator.ClassNoKey, "GetAccessKeyLastUsed: AWS shows no such key in this account")
	w.fault = func(string, int) fault {
		return refused(403, "AccessDenied", "User: x is not authorized to perform: iam:GetAccessKeyLastUsed on resource: user other because no identity-based policy allows it")
	}
	_, err = i.LastUsed(t.Context(), gone)
	wantError(t, err, rotator.ClassDenied, "GetAccessKeyLastUsed: AccessDenied: User: x is not authorized to perform: iam:GetAccessKeyLastUsed on resource: user other because no identity-based policy allows it")
}
