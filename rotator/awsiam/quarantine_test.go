package awsiam

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyturn/rotator"
)

func TestQuarantine(t *testing.T) {
	const v2, v3 = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2", "arn:aws-us-gov:iam::aws:policy/AWSCompromisedKeyQuarantineV3"
	w := newWorld(t)
	i := w.open(t, 0)
	w.page = 2
	w.users[bot].policies = []string{
		"arn:aws:iam::aws:policy/ReadOnlyAccess", v2,
		"arn:aws:iam::111122223333:policy/AWSCompromisedKeyQuarantineV2", // the account's own
		"arn:aws:iam::111122223333:policy/deploy", v3,
	}
	got, err := i.Quarantine(t.Context(), bot)
	if d := cmp.Diff([]string{v2, v3}, got); d != "" || err != nil {
		t.Errorf("%s, %v", d, err)
	}
	for range 2 { // not attached any more is success
		if err := i.LiftQuarantine(t.Context(), bot, v2); err != nil {
			t.Error(err)
		}
	}
	got, err = i.Quarantine(t.Context(), bot)
	if d := cmp.Diff([]string{v3}, got); d != "" || err != nil || len(w.users[bot].policies) != 4 {
		t.Errorf("%s, %v, %d policies", d, err, len(w.users[bot].policies))
	}

	for _, other := range []string{"", "arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::111122223333:policy/AWSCompromisedKeyQuarantineV2"} {
		wantError(t, i.LiftQuarantine(t.Context(), bot, other), rotator.ClassInvalid, "DetachUserPolicy: the policy is not AWS's quarantine policy")
	}
	wantError(t, i.LiftQuarantine(t.Context(), "nobody", v2), rotator.ClassNoUser, "DetachUserPolicy: NoSuchEntity: The user with name nobody cannot be found.")
	wantError(t, i.LiftQuarantine(t.Context(), "", v2), rotator.ClassInvalid, "DetachUserPolicy: no user is named")
	_, err = i.Quarantine(t.Context(), "")
	wantError(t, err, rotator.ClassInvalid, "ListAttachedUserPolicies: no user is named")

	w.fault = func(a string, _ int) fault {
		if a == "DetachUserPolicy" {
			return refused(404, "NoSuchEntity", "Policy was not found.")
		}
		return fault{}
	}
	wantError(t, i.LiftQuarantine(t.Context(), bot, v3), rotator.ClassTemporary, "DetachUserPolicy: the policy is still listed")
}
