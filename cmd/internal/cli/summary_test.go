package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyturn/internal/app"
	"keyturn/rotator"
)

func TestSummary(t *testing.T) {
	at := time.Date(2026, 11, 20, 7, 10, 0, 0, time.UTC)
	served := []rotator.SinkStatus{{Name: "vault", Required: true, State: rotator.SinkVerified}}
	for name, tc := range map[string]struct {
		rotation rotator.Rotation
		want     []string
	}{
		"nothing was owed and nothing is scheduled": {
			rotator.Rotation{Step: rotator.StepNone},
			[]string{"nothing to do"},
		},
		"nothing was owed yet": {
			rotator.Rotation{Step: rotator.StepNone, NextAt: at},
			[]string{"nothing to do; the next rotation is owed 2026-11-20T07:10:00Z"},
		},
		"nothing was done since the last one": {
			rotator.Rotation{Step: rotator.StepDone, OldKeyID: "AKIAOLD", NewKeyID: "AKIANEW", FinishedAt: at, NextAt: at.Add(time.Hour)},
			[]string{"nothing to do; the next rotation is owed 2026-11-20T08:10:00Z"},
		},
		"the old key stays for its grace": {
			rotator.Rotation{Step: rotator.StepQuiet, OldKeyID: "AKIAOLD", NewKeyID: "AKIANEW", NextAt: at, Sinks: served},
			[]string{"old key AKIAOLD stays active until 2026-11-20T07:10:00Z, then `keyturn rotate` or the daemon retires it"},
		},
		"the old key soaks": {
			rotator.Rotation{Robot: "ci-bot", Step: rotator.StepSoak, OldKeyID: "AKIAOLD", NextAt: at, Sinks: served},
			[]string{"old key AKIAOLD is inactive until 2026-11-20T07:10:00Z, then `keyturn rotate` or the daemon deletes it (`keyturn restore ci-bot` brings it back)"},
		},
		"done": {
			rotator.Rotation{Step: rotator.StepDone, OldKeyID: "AKIAOLD", NewKeyID: "AKIANEW", Sinks: served},
			[]string{"done: AKIANEW has replaced AKIAOLD"},
		},
		"done for a user that had no key": {
			rotator.Rotation{Step: rotator.StepDone, NewKeyID: "AKIANEW"},
			[]string{"done: AKIANEW is in use"},
		},
		"done, with an optional sink left behind": {
			rotator.Rotation{Step: rotator.StepDone, OldKeyID: "AKIAOLD", NewKeyID: "AKIANEW", Sinks: []rotator.SinkStatus{{Name: "old", State: rotator.SinkFailing, Error: "gone"}}},
			[]string{"done: AKIANEW has replaced AKIAOLD", "old: optional, not served yet: gone"},
		},
		"held": {
			rotator.Rotation{Step: rotator.StepHeld, Hold: &rotator.Hold{Code: rotator.HoldTwoKeys, Message: "two", Resolve: "keyturn resolve ci-bot --keep KEYID --reason TEXT"}},
			[]string{"held (two_keys): two", "to resolve it: keyturn resolve ci-bot --keep KEYID --reason TEXT"},
		},
		"unfinished: the error says it": {
			rotator.Rotation{Step: rotator.StepPush, OldKeyID: "AKIAOLD", NewKeyID: "AKIANEW"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, summary(app.Result{Rotation: tc.rotation, Acted: !strings.Contains(name, "nothing")})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWorst(t *testing.T) {
	for name, tc := range map[string]struct {
		codes []int
		want  int
	}{
		"nothing failed":           {[]int{0, 0}, exitDone},
		"held before unfinished":   {[]int{3, 4, 1}, exitHeld},
		"unfinished before failed": {[]int{1, 3, 0}, exitUnfinished},
		"failed before done":       {[]int{0, 1}, exitFailed},
		"no robots":                {nil, exitDone},
	} {
		t.Run(name, func(t *testing.T) {
			if got := worst(tc.codes...); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}
