package awsiam

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyturn/rotator"
)

func TestKeysReadsAllPagesAndAWSsClock(t *testing.T) {
	inBubble(t, time.Second, func(t *testing.T, w *world, i *Issuer) {
		a, b := w.mint(bot), w.mint(bot)
		b.active = false
		w.page = 1
		began := time.Now()
		keys, clock, err := i.Keys(t.Context(), bot)
		if err != nil {
			t.Fatal(err)
		}
		want := []rotator.Key{
			{ID: rotator.KeyID(a.id), Status: rotator.Active, CreatedAt: a.made},
			{ID: rotator.KeyID(b.id), Status: rotator.Inactive, CreatedAt: b.made},
		}
		if d := cmp.Diff(want, keys); d != "" {
			t.Error(d)
		}
		if !clock.Equal(began.Add(time.Second)) { // the first answer's Date, not the second's
			t.Errorf("clock %s, began %s", clock, began)
		}
		if n := w.count("ListAccessKeys"); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestKeysThatCannotBeTrustedAreAnError(t *testing.T) {
	const endless = "<ListAccessKeysResponse><ListAccessKeysResult><IsTruncated>true</IsTruncated><Marker>x</Marker><AccessKeyMetadata></AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>"
	for name, tc := range map[string]struct {
		user  string
		fault fault
		class rotator.IssuerClass
		text  string
	}{
		"no user is named":       {"", fault{}, rotator.ClassInvalid, "ListAccessKeys: no user is named"},
		"no such user":           {"nobody", fault{}, rotator.ClassNoUser, "ListAccessKeys: NoSuchEntity: The user with name nobody cannot be found."},
		"the list does not end":  {bot, fault{status: 200, body: endless}, rotator.ClassTemporary, "ListAccessKeys: the list has more than 20 pages"},
		"the answer has no Date": {bot, fault{noDate: true}, rotator.ClassTemporary, "ListAccessKeys: the answer has no Date: what stands between keyturn and AWS removes it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fault = func(string, int) fault { return tc.fault }
			_, _, err := w.open(t, 0).Keys(t.Context(), tc.user)
			wantError(t, err, tc.class, tc.text)
		})
	}
}

func TestPassingFaultsAreRepeated(t *testing.T) {
	for name, f := range map[string]fault{
		"dropped before":         {before: "drop"},
		"dropped after":          {after: "drop"},
		"500":                    serviceFailure(500),
		"503 without a code":     {status: 503},
		"cut off":                {status: 200, body: "<ListAccessKeysResponse><ListAccess"},
		"502 of a proxy":         {status: 502, body: "<html><br></html>"},
		"throttled":              {sample: "any.throttled"},
		"RequestLimitExceeded":   refused(503, "RequestLimitExceeded", "Request limit exceeded."),
		"429 without a code":     {status: 429},
		"session that had ended": refused(403, "ExpiredToken", "expired"),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, w *world, i *Issuer) {
				w.mint(bot)
				w.fault = once("ListAccessKeys", f)
				keys, _, err := i.Keys(t.Context(), bot)
				if err != nil || len(keys) != 1 || w.count("ListAccessKeys") != 2 {
					t.Errorf("%d keys, %d requests, %v", len(keys), w.count("ListAccessKeys"), err)
				}
			})
		})
	}
	t.Run("no answer", func(t *testing.T) {
		w := newWorld(t)
		w.fault = once("ListAccessKeys", fault{before: "hang"})
		if _, _, err := w.open(t, 300*time.Millisecond).Keys(t.Context(), bot); err != nil || w.count("ListAccessKeys") != 2 {
			t.Errorf("%d requests, %v", w.count("ListAccessKeys"), err)
		}
	})
}

func TestGivingUpTellsWhatWasWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		fault fault
		class rotator.IssuerClass
		text  string
	}{
		"500": {serviceFailure(500), rotator.ClassTemporary,
			"ListAccessKeys: the step took too long after 1 attempt, the last: HTTP 500: ServiceFailure: internal"},
		"throttled": {fault{sample: "any.throttled"}, rotator.ClassThrottled,
			"ListAccessKeys: the step took too long after 1 attempt, the last: Throttling: Rate exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, w *world, i *Issuer) {
				w.fault = func(string, int) fault { return tc.fault }
				_, _, err := i.Keys(soon(t, 20*time.Millisecond), bot)
				wantError(t, err, tc.class, tc.text)
			})
		})
	}
}

func TestSetActive(t *testing.T) {
	w := newWorld(t)
	i := w.open(t, 0)
	k := w.mint(bot)
	for _, active := range []bool{false, false, true, true} {
		if err := i.SetActive(t.Context(), bot, rotator.KeyID(k.id), active); err != nil || k.active != active {
			t.Errorf("active %v, want %v: %v", k.active, active, err)
		}
	}
	wantError(t, i.SetActive(t.Context(), bot, "AKIAIOSFODNN7EXAMPLE", false), rotator.ClassNoKey,
		"UpdateAccessKey: NoSuchEntity: The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.")
	wantError(t, i.SetActive(t.Context(), "nobody", rotator.KeyID(k.id), false), rotator.ClassNoUser,
		"UpdateAccessKey: NoSuchEntity: The user with name nobody cannot be found.")
	wantError(t, i.SetActive(t.Context(), "", rotator.KeyID(k.id), false), rotator.ClassInvalid, "UpdateAccessKey: no user is named")
}

func TestDelete(t *testing.T) {
	for name, tc := range map[string]struct {
		user, key string
		fault     func(string, int) fault
		class     rotator.IssuerClass
		text      string
		left      int
	}{
		"it is there":               {user: bot},
		"it is gone already":        {user: bot, key: "AKIAIOSFODNN7EXAMPLE", left: 1},
		"the first answer was lost": {user: bot, fault: once("DeleteAccessKey", fault{after: "drop"})},
		"it is gone, and the list is refused": {user: bot, key: "AKIAIOSFODNN7EXAMPLE", left: 1,
			fault: once("ListAccessKeys", refused(403, "AccessDenied", "no")),
			class: rotator.ClassDenied, text: "ListAccessKeys: AccessDenied: no"},
		"not found, and yet listed": {user: bot, left: 1,
			fault: once("DeleteAccessKey", refused(404, "NoSuchEntity", "The Access Key with id x cannot be found.")),
			class: rotator.ClassTemporary, text: "DeleteAccessKey: the key is still listed"},
		"the user is gone": {user: "nobody", left: 1,
			class: rotator.ClassNoUser, text: "ListAccessKeys: NoSuchEntity: The user with name nobody cannot be found."},
		"no user is named": {left: 1, class: rotator.ClassInvalid, text: "DeleteAccessKey: no user is named"},
		"modified by somebody": {user: bot, left: 1,
			fault: once("DeleteAccessKey", refused(409, "ConcurrentModification", "Try again.")),
			class: rotator.ClassBusy, text: "DeleteAccessKey: ConcurrentModification: Try again."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fault = tc.fault
			k := w.mint(bot)
			if tc.key == "" {
				tc.key = k.id
			}
			err := w.open(t, 0).Delete(t.Context(), tc.user, rotator.KeyID(tc.key))
			if tc.text == "" && err != nil {
				t.Error(err)
			} else if tc.text != "" {
				wantError(t, err, tc.class, tc.text)
			}
			if n := len(w.users[bot].keys); n != tc.left {
				t.Errorf("%d keys left, want %d", n, tc.left)
			}
		})
	}
}
