package journaltest

import (
	"fmt"
	"time"

	"keyturn/rotator"
	"keyturn/sinks"
)

// Samples is one event of every type, each field set, always the same.
func Samples() []rotator.Event {
	at := time.Date(2026, 11, 20, 3, 0, 0, 123456789, time.UTC)
	var events []rotator.Event
	for i, b := range bodies(at) {
		events = append(events, rotator.Event{
			ID:       rotator.EventID(fmt.Sprintf("event%011d", i)),
			At:       at.Add(time.Duration(i) * time.Second),
			By:       "0123456789abcdef",
			Rotation: "20261120-7f3k9qx2",
			Body:     b,
		})
	}
	return events
}

// bodies are in the order of rotator/event.go.
func bodies(at time.Time) []rotator.Body {
	oldKey := rotator.Key{ID: "AKIAIOSFODNN7EXAMPLE", Status: rotator.Active, CreatedAt: at.Add(-90 * 24 * time.Hour)}
	newKey := rotator.Key{ID: "AKIAI44QH8DHBEXAMPLE", Status: rotator.Active, CreatedAt: at}
	plans := []rotator.SinkPlan{{Name: "vault", Kind: "vault", Required: true, MinEvidence: sinks.Stamped, Destination: "5f1d7a84db00d2fc"}}
	return []rotator.Body{
		rotator.Claimed{Owner: rotator.Owner{ID: "0123456789abcdef", Host: "ops-1", Boot: "a8098c1a-f86e-11da-bd1a-00112444be1e", PID: 4711}, Until: at.Add(time.Minute)},
		rotator.Released{},
		rotator.Started{
			Robot: "ci-bot", User: "CI-Bot", UserID: "AIDACKCEVSQ6C2EXAMPLE", ARN: "arn:aws:iam::111122223333:user/CI-Bot",
			Trigger: rotator.Schedule, Reason: "@monthly", Keys: []rotator.Key{oldKey}, Sinks: plans,
		},
		rotator.Tagged{Value: "4a6f75726e616c31/20261120-7f3k9qx2", Adopted: true},
		rotator.SinksChanged{Sinks: plans},
		rotator.IssueIntended{Keys: []rotator.Key{oldKey}, Deadline: at.Add(30 * time.Second)},
		rotator.Issued{Key: newKey},
		rotator.IssueFailed{Class: rotator.ClassLimit, Error: "CreateAccessKey: LimitExceeded"},
		rotator.IssueUnclear{Key: newKey.ID, Error: "CreateAccessKey: unexpected EOF"},
		rotator.OrphanSought{Unknown: []rotator.Key{newKey}},
		rotator.OrphanFound{Key: newKey},
		rotator.KeyIntended{Key: oldKey.ID, Change: rotator.Disable, Why: rotator.WhyRetire},
		rotator.KeyChanged{Key: oldKey.ID, Change: rotator.Remove, Why: rotator.WhyOrphan},
		rotator.Probed{ARN: "arn:aws:iam::111122223333:user/CI-Bot", Role: "arn:aws:iam::111122223333:role/deploy"},
		rotator.ProbeFailed{Class: rotator.ClassNotYet, Error: "GetCallerIdentity: InvalidClientTokenId"},
		rotator.Pushed{
			Sink: "vault", Key: newKey.ID, Destination: "5f1d7a84db00d2fc",
			Receipt: sinks.Receipt{Stamp: "7", At: at, Data: []byte(`{"version":7}`)},
		},
		rotator.Verified{Sink: "vault", Key: newKey.ID, Evidence: sinks.Exact, AskedAt: at},
		rotator.CanaryStarted{Sink: "github", Key: newKey.ID, Run: "acme/app/42", By: at.Add(10 * time.Minute)},
		rotator.SinkFailed{Sink: "vault", Stage: "push", Class: "temporary", Error: "write ci/ci-bot: 503"},
		rotator.UseRead{Key: oldKey.ID, Use: rotator.Use{At: at, Service: "s3", Region: "us-east-1", User: "CI-Bot"}, ReadAt: at.Add(7 * time.Minute)},
		rotator.Held{Hold: rotator.Hold{Code: "unknown_key", Message: "a key nobody knows", Resolve: "keyturn resolve ci-bot --delete AKIAI44QH8DHBEXAMPLE --reason TEXT"}},
		rotator.Resolved{Action: rotator.ResolveDropSink, Key: newKey.ID, Sink: "old-jenkins", Reason: "it is gone"},
		rotator.LeakReported{Keys: []rotator.KeyID{oldKey.ID}, Suspected: true, Reason: "gitleaks", Deadline: at.Add(time.Minute)},
		rotator.QuarantineSeen{Policies: []string{"arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}, Lifted: true},
		rotator.Finished{Outcome: rotator.Done, Error: "none", Forgotten: true},
		rotator.Forgotten{},
	}
}
