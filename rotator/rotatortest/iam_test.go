package rotatortest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

const account = "111122223333"

// robot is a model with the user ci-bot, who has one key.
func robot(t *testing.T) (*IAM, rotator.Key, secret.Text) {
	t.Helper()
	m := NewIAM(account)
	m.AddUser("ci-bot", "/robots/")
	k, s, err := m.AddKey("ci-bot", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return m, k, s
}

func once(op string, f Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Op == op && c.N == 1 {
			return f
		}
		return None
	}
}

func class(t *testing.T, err error, want rotator.IssuerClass) *rotator.IssuerError {
	t.Helper()
	var e *rotator.IssuerError
	if !errors.As(err, &e) || e.Class != want {
		t.Fatalf("error is %v, want one of class %s", err, want)
	}
	return e
}

func TestKeysLiveAndDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		m, old, oldSecret := robot(t)
		m.NewKeyUsableAfter, m.NewKeyListedAfter, m.DisabledWorksFor, m.LastUsedDelay = 8*time.Second, 20*time.Second, 4*time.Second, 7*time.Minute
		i := m.Issuer(Ambient)

		k, s, err := i.Create(ctx, "CI-bot")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := i.Create(ctx, "ci-bot"); err == nil || err.Error() != "CreateAccessKey: Cannot exceed quota for AccessKeysPerUser: 2" {
			t.Fatalf("third key: %v", err)
		}
		_, err = i.Probe(ctx, k.ID, s, "")
		class(t, err, rotator.ClassNotYet)
		if keys, _, _ := i.Keys(ctx, "ci-bot"); len(keys) != 1 {
			t.Fatalf("a key of this second is listed: %v", keys)
		}
		time.Sleep(20 * time.Second)
		if keys, _, _ := i.Keys(ctx, "ci-bot"); len(keys) != 2 || keys[0].ID != old.ID {
			t.Fatalf("list: %v", keys)
		}
		who, err := i.Probe(ctx, k.ID, s, "")
		if err != nil || who.ARN != "arn:aws:iam::111122223333:user/robots/ci-bot" || who.Account != account {
			t.Fatalf("probe: %+v, %v", who, err)
		}
		_, err = i.Probe(ctx, k.ID, oldSecret, "")
		class(t, err, rotator.ClassCredentials)
		s.Wipe()
		if kept, _ := m.Secret(k.ID); kept.Empty() {
			t.Fatal("wiping a copy wiped the model")
		}

		if err := m.UseKey(old.ID, oldSecret, "s3", "eu-central-1"); err != nil {
			t.Fatal(err)
		}
		if use, err := i.LastUsed(ctx, old.ID); err != nil || !use.At.IsZero() || use.User != "ci-bot" {
			t.Fatalf("last use at once: %+v, %v", use, err)
		}
		time.Sleep(7 * time.Minute)
		if use, _ := i.LastUsed(ctx, old.ID); use.At.IsZero() || use.Service != "s3" || use.Region != "eu-central-1" {
			t.Fatalf("last use later: %+v", use)
		}

		if err := i.SetActive(ctx, "ci-bot", old.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := m.UseKey(old.ID, oldSecret, "s3", ""); err != nil {
			t.Fatalf("a key deactivated just now: %v", err)
		}
		time.Sleep(4 * time.Second)
		if err := m.UseKey(old.ID, oldSecret, "s3", ""); err == nil {
			t.Fatal("a deactivated key still works")
		}
		for range 2 { // already gone is success
			if err := i.Delete(ctx, "ci-bot", old.ID); err != nil {
				t.Fatal(err)
			}
		}
		class(t, i.SetActive(ctx, "ci-bot", old.ID, true), rotator.ClassNoKey)
		_, err = i.LastUsed(ctx, old.ID)
		class(t, err, rotator.ClassDenied)
		m.RemoveUser("ci-bot")
		class(t, i.Delete(ctx, "ci-bot", k.ID), rotator.ClassNoUser)
	})
}

func TestEveryFaultIsAppliedOrNotAsItSays(t *testing.T) {
	tests := map[string]struct {
		fault   Fault
		class   rotator.IssuerClass
		keys    int
		knowsID bool
	}{
		"no connection":             {Unreachable, rotator.ClassTemporary, 1, false},
		"failed and not applied":    {FailBefore, rotator.ClassUnclear, 1, false},
		"failed but applied":        {FailAfter, rotator.ClassUnclear, 2, false},
		"no answer and not applied": {Hang, rotator.ClassUnclear, 1, false},
		"no answer but applied":     {HangAfter, rotator.ClassUnclear, 2, false},
		"the answer is cut":         {Truncated, rotator.ClassUnclear, 2, true},
		"throttled":                 {Throttle, rotator.ClassThrottled, 1, false},
		"not allowed":               {Denied, rotator.ClassDenied, 1, false},
		"busy":                      {Busy, rotator.ClassBusy, 1, false},
		"own key is unknown":        {UnknownKey, rotator.ClassCredentials, 1, false},
		"own session has ended":     {Expired, rotator.ClassCredentials, 1, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _, _ := robot(t)
				m.Fault = once("CreateAccessKey", tt.fault)
				effects := 0
				m.OnEffect = func() { effects++ }
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				_, _, err := m.Issuer(Ambient).Create(ctx, "ci-bot")
				e := class(t, err, tt.class)
				if got := len(m.Keys("ci-bot")); got != tt.keys || effects != tt.keys-1 {
					t.Errorf("%d keys after %d effects, want %d", got, effects, tt.keys)
				}
				if (e.Key != "") != tt.knowsID {
					t.Errorf("key of the error: %q", e.Key)
				}
				log := m.Log()
				if len(log) != 1 || log[0].Applied != (tt.keys == 2) || log[0].Err == nil || log[0].Finished.IsZero() {
					t.Errorf("log: %+v", log)
				}
			})
		})
	}
}

func TestCallsAreRetriedUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, _ := robot(t)
		i := m.Issuer(Ambient)
		m.Fault = once("ListAccessKeys", FailAfter)
		if _, _, err := i.Keys(t.Context(), "ci-bot"); err != nil || m.Count("ListAccessKeys") != 2 {
			t.Fatalf("%v after %d calls", err, m.Count("ListAccessKeys"))
		}
		m.Fault = func(Call) Fault { return Throttle }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _, err := i.Keys(ctx, "ci-bot")
		class(t, err, rotator.ClassThrottled)
		_, _, err = i.Keys(t.Context(), "ci-bot")
		class(t, err, rotator.ClassThrottled)
	})
}

func TestQuarantineDeniesTheUsersOwnKey(t *testing.T) {
	m, own, _ := robot(t)
	m.Attach("ci-bot", "AWSCompromisedKeyQuarantineV3")
	m.Attach("ci-bot", "ReadOnlyAccess")
	i := m.Issuer(own.ID)
	_, _, err := i.Create(t.Context(), "ci-bot")
	class(t, err, rotator.ClassQuarantined)
	central := m.Issuer(Ambient)
	for range 2 {
		if err := central.LiftQuarantine(t.Context(), "ci-bot", "AWSCompromisedKeyQuarantineV3"); err != nil {
			t.Fatal(err)
		}
	}
	if q, err := central.Quarantine(t.Context(), "ci-bot"); err != nil || len(q) != 0 {
		t.Fatalf("%v, %v", q, err)
	}
	if _, _, err := i.Create(t.Context(), "ci-bot"); err != nil {
		t.Fatal(err)
	}
	class(t, central.LiftQuarantine(t.Context(), "nobody", "x"), rotator.ClassNoUser)
}

func TestTheHiddenLimitIsATokenBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _, _ := robot(t)
		m.RateLimit = 20
		throttled := func(n int) (bad int) {
			for range n {
				if _, err := m.GetUser(t.Context(), Ambient, "ci-bot"); err != nil {
					bad++
				}
			}
			return bad
		}
		if got := throttled(25); got != 5 {
			t.Errorf("%d of 25 calls at once are throttled", got)
		}
		time.Sleep(500 * time.Millisecond)
		if got := throttled(25); got != 15 {
			t.Errorf("%d of 25 calls half a second later are throttled", got)
		}
	})
}

func TestARoleIsAssumedOnlyIfItIsThere(t *testing.T) {
	m, k, s := robot(t)
	role := m.AddRole("deploy", "")
	i := m.Issuer(Ambient)
	if _, err := i.Probe(t.Context(), k.ID, s, role); err != nil {
		t.Fatal(err)
	}
	_, err := i.Probe(t.Context(), k.ID, s, role+"x")
	class(t, err, rotator.ClassDenied)
	external := m.AddRole("ext", "x1")
	if _, err := m.AssumeRole(t.Context(), k.ID, external, "n", "x2", time.Hour); err == nil {
		t.Error("a wrong external id is taken")
	}
	ses, err := m.AssumeRole(t.Context(), k.ID, external, "keyturn-1", "x1", time.Hour)
	if err != nil || ses.Identity.ARN != "arn:aws:sts::111122223333:assumed-role/ext/keyturn-1" {
		t.Fatalf("%+v, %v", ses.Identity, err)
	}
	if _, err := m.ListAccessKeys(t.Context(), ses.ID, "ci-bot"); err != nil {
		t.Fatal(err)
	}
	if got := len(m.Minted()); got != 5 { // a key, and two sessions of two secrets each
		t.Errorf("%d secrets minted", got)
	}
}

func TestTheTagIsPartOfTheUser(t *testing.T) {
	m, _, _ := robot(t)
	i := m.Issuer(Ambient)
	if err := i.SetTag(t.Context(), "ci-bot", "j/r"); err != nil {
		t.Fatal(err)
	}
	u, err := i.User(t.Context(), "CI-BOT")
	if err != nil || u.Tag != "j/r" || u.Name != "ci-bot" || u.Account != account || u.Path != "/robots/" {
		t.Fatalf("%+v, %v", u, err)
	}
	m.PutUserTag("ci-bot", rotator.Tag, "")
	if m.UserTag("ci-bot", rotator.Tag) != "" {
		t.Error("the tag is still there")
	}
	_, err = i.User(t.Context(), "nobody")
	class(t, err, rotator.ClassNoUser)
}

func TestKeyIDsNameTheirAccount(t *testing.T) {
	if got := keyID("AKIA", account)[:12]; got != "AKIARTX3GSDS" { // the vector AKIARTX3GSDSVHZCMZNG
		t.Errorf("id begins %s", got)
	}
	if got := keyID("AKIA", "595918472158")[:12]; got != "AKIAYVP4CIPP" {
		t.Errorf("id begins %s", got)
	}
}
