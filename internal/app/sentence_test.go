package app

import (
	"testing"
	"time"

	"keyturn/rotator"
	"keyturn/sinks"
)

func TestSentence(t *testing.T) {
	at := time.Date(2026, 11, 20, 7, 10, 0, 0, time.UTC)
	key := rotator.Key{ID: "AKIANEW", Status: rotator.Active, CreatedAt: at}
	for want, body := range map[string]rotator.Body{
		"rotation r1 begins (schedule: due since monday); keys: AKIANEW (active, made 2026-11-20T07:10:00Z)": rotator.Started{Trigger: rotator.Schedule, Reason: "due since monday", Keys: []rotator.Key{key}},
		"rotation r1 begins (manual)":                                                           rotator.Started{Trigger: rotator.Manual},
		"IAM user is tagged as rotated by this journal":                                         rotator.Tagged{Adopted: true},
		"the configuration's sinks have changed since the rotation began: a, b":                 rotator.SinksChanged{Sinks: []rotator.SinkPlan{{Name: "a"}, {Name: "b"}}},
		"new key AKIANEW created":                                                               rotator.Issued{Key: key},
		"no key was created: refused":                                                           rotator.IssueFailed{Error: "refused"},
		"it is not clear whether a key was created: lost":                                       rotator.IssueUnclear{Error: "lost"},
		"key AKIANEW was created and its secret is lost: cut off":                               rotator.IssueUnclear{Key: "AKIANEW", Error: "cut off"},
		"looked for a key whose secret nobody has: there is none":                               rotator.OrphanSought{},
		"looked for a key whose secret nobody has: AKIANEW (active, made 2026-11-20T07:10:00Z)": rotator.OrphanSought{Unknown: []rotator.Key{key}},
		"key AKIANEW was made by the lost call; nobody has its secret":                          rotator.OrphanFound{Key: key},
		"old key AKIAOLD is inactive":                                                           rotator.KeyChanged{Key: "AKIAOLD", Change: rotator.Disable, Why: rotator.WhyRetire},
		"old key AKIAOLD is deleted":                                                            rotator.KeyChanged{Key: "AKIAOLD", Change: rotator.Remove, Why: rotator.WhyRetire},
		"old key AKIAOLD is active again":                                                       rotator.KeyChanged{Key: "AKIAOLD", Change: rotator.Enable, Why: rotator.WhyRestore},
		"orphaned key AKIAOLD is deleted":                                                       rotator.KeyChanged{Key: "AKIAOLD", Change: rotator.Remove, Why: rotator.WhyOrphan},
		"second key AKIAOLD is inactive":                                                        rotator.KeyChanged{Key: "AKIAOLD", Change: rotator.Disable, Why: rotator.WhyRoom},
		"new key AKIANEW is deleted":                                                            rotator.KeyChanged{Key: "AKIANEW", Change: rotator.Remove, Why: rotator.WhyYield},
		"new key works: it signs as arn:bot":                                                    rotator.Probed{ARN: "arn:bot"},
		"new key works: it signs as arn:bot and assumes arn:role":                               rotator.Probed{ARN: "arn:bot", Role: "arn:role"},
		"the new key does not work yet: unknown":                                                rotator.ProbeFailed{Error: "the new key does not work yet: unknown"},
		"vault: took AKIANEW":                                                                   rotator.Pushed{Sink: "vault", Key: "AKIANEW"},
		"vault: serves AKIANEW (exact)":                                                         rotator.Verified{Sink: "vault", Key: "AKIANEW", Evidence: sinks.Exact},
		"vault: push failed: sealed":                                                            rotator.SinkFailed{Sink: "vault", Stage: "push", Error: "sealed"},
		"old key AKIAOLD was never seen in use":                                                 rotator.UseRead{Key: "AKIAOLD"},
		"old key AKIAOLD was last used 2026-11-20T07:10:00Z (s3 in eu-west-1)":                  rotator.UseRead{Key: "AKIAOLD", Use: rotator.Use{At: at, Service: "s3", Region: "eu-west-1"}},
		"held (two_keys): two of them":                                                          rotator.Held{Hold: rotator.Hold{Code: rotator.HoldTwoKeys, Message: "two of them"}},
		"an operator decided: keep AKIAOLD (mine)":                                              rotator.Resolved{Action: rotator.ResolveKeep, Key: "AKIAOLD", Reason: "mine"},
		"an operator decided: drop-sink vault (gone)":                                           rotator.Resolved{Action: rotator.ResolveDropSink, Sink: "vault", Reason: "gone"},
		"reported as leaked: AKIAOLD":                                                           rotator.LeakReported{Keys: []rotator.KeyID{"AKIAOLD"}},
		"AWS has quarantined the user: V3":                                                      rotator.QuarantineSeen{Policies: []string{"V3"}},
		"AWS's quarantine is lifted: V3":                                                        rotator.QuarantineSeen{Policies: []string{"V3"}, Lifted: true},
		"rotation done":                                                                         rotator.Finished{Outcome: rotator.Done},
		"rotation failed: no permission":                                                        rotator.Finished{Outcome: rotator.Failed, Error: "no permission"},
		"the sealed secret is erased":                                                           rotator.Forgotten{},
	} {
		t.Run(want, func(t *testing.T) {
			if got := Sentence(rotator.Event{Rotation: "r1", Body: body}); got != want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSentenceIsSilentOnBookkeeping(t *testing.T) {
	for _, b := range []rotator.Body{rotator.Claimed{}, rotator.Released{}, rotator.Tagged{}, rotator.IssueIntended{}, rotator.KeyIntended{}} {
		if got := Sentence(rotator.Event{Body: b}); got != "" {
			t.Errorf("%T: %q", b, got)
		}
	}
}
