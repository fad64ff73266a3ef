//go:build e2e

package e2e

import (
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// What the other tests rest on: an account that refuses what AWS would refuse.
func TestTheAccountIsEnforced(t *testing.T) {
	w := newWorld(t)
	bot := w.robot("ci-bot")
	w.signsAs("ci-bot", bot)
	if _, err := w.caller(pair{bot.ID, "wrong"}); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret: %v", err)
	}
	if _, err := w.caller(pair{"AKIAUNKNOWN000000000", bot.Secret}); code(err) != "InvalidClientTokenId" {
		t.Errorf("an unknown key: %v", err)
	}

	rotator := iam.NewFromConfig(w.awsConfig(pair{w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"]}))
	user := "ci-bot"
	if _, err := rotator.ListUsers(t.Context(), &iam.ListUsersInput{}); code(err) != "AccessDenied" {
		t.Errorf("an action that is not in the shipped policy: %v", err)
	}
	_, err := rotator.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &user})
	w.must(err)
	if _, err := rotator.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &user}); code(err) != "LimitExceeded" {
		t.Errorf("a third key: %v", err)
	}
	if n := w.iam.Count("CreateAccessKey"); n != 2 { // the administrator's is not counted
		t.Errorf("counted %d", n)
	}
	_, err = rotator.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{UserName: &user, AccessKeyId: &bot.ID, Status: types.StatusTypeInactive})
	w.must(err)
	if _, err := w.caller(bot); code(err) != "InvalidClientTokenId" {
		t.Errorf("an inactive key: %v", err)
	}
}

// And a search that would find what is to be found.
func TestASecretIsFound(t *testing.T) {
	w := newWorld(t)
	bot := w.robot("ci-bot")
	file := w.path("state/journal.db-wal")
	w.must(os.WriteFile(file, []byte("\x00\x01"+bot.Secret+"\x02"), 0o600))
	w.said = append(w.said, "token "+w.vault.Token)
	if got := w.leaks(); len(got) != 2 {
		t.Errorf("found %v", got)
	}
	w.said = nil
	w.must(os.Remove(file))
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}
