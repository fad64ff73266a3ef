package rotator

import (
	"fmt"
	"strings"
	"time"
)

// The codes of holds. docs/runbook.md has a section for each.
const (
	HoldTwoKeys        HoldCode = "two_keys"            // the user has two keys, and the policy does not say which may go
	HoldUnknownKey     HoldCode = "unknown_key"         // a key that this log does not know
	HoldOrphanUnclear  HoldCode = "orphan_unclear"      // a lost CreateAccessKey, and its key cannot be told for certain
	HoldOrphanUsed     HoldCode = "orphan_used"         // the orphan was reactivated, or used
	HoldUserMissing    HoldCode = "user_missing"        // the IAM user does not exist any more
	HoldUserChanged    HoldCode = "user_changed"        // another user with the same name
	HoldAccountChanged HoldCode = "account_changed"     // credentials of another account
	HoldTagForeign     HoldCode = "tag_foreign"         // another journal manages the user
	HoldRestored       HoldCode = "journal_restored"    // this journal is older than the user's tag
	HoldNewMissing     HoldCode = "new_key_missing"     // somebody deleted the new key
	HoldNewInactive    HoldCode = "new_key_inactive"    // somebody deactivated the new key
	HoldReactivated    HoldCode = "old_key_reactivated" // somebody reactivated the old key
	HoldInUse          HoldCode = "old_key_in_use"      // something still uses the old key
	HoldWeakEvidence   HoldCode = "weak_evidence"       // a sink cannot show what min_evidence asks for
	HoldSinkMissing    HoldCode = "sink_missing"        // a required sink is no longer configured
	HoldSecretLost     HoldCode = "secret_lost"         // the journal does not have the new key's secret
	HoldByRestore      HoldCode = "restored"            // by keyturn restore
	HoldRobotMissing   HoldCode = "robot_missing"       // no robot of the configuration is this user
)

// resolve is the command that resolves a hold.
func resolve(robot, action string) string {
	return fmt.Sprintf("keyturn resolve %s %s --reason TEXT", robot, action)
}

func (p *Progress) hold(code HoldCode, action, format string, args ...any) Step {
	return Step{
		Name: StepHeld, Do: DoHold,
		Hold: &Hold{Code: code, Message: fmt.Sprintf(format, args...), Resolve: resolve(p.Started.Robot, action)},
	}
}

// describe says of a key what an operator needs to judge it.
func describe(k Key, w World) string {
	s := fmt.Sprintf("%s (%s, created %s", k.ID, k.Status, stamp(k.CreatedAt))
	if r, ok := w.Uses[k.ID]; ok {
		s += ", " + lastUse(r.Use)
	}
	return s + ")"
}

func lastUse(u Use) string {
	if u.At.IsZero() {
		return "never used as far as AWS shows"
	}
	s := "last used " + stamp(u.At)
	if u.Service != "" && u.Service != "N/A" {
		s += " for " + u.Service
		if u.Region != "" && u.Region != "N/A" {
			s += " in " + u.Region
		}
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func names(ids []string) string { return strings.Join(ids, ", ") }
