package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"keyturn/internal/secret"
	"keyturn/rotator/schedule"
	"keyturn/sinks"
)

const full = `---
# everything there is
aws:
  region: eu-central-1
  settle: 30s
  orphan_wait: 1d12h
  probe: { rounds: 3, spacing: 0, deadline: 1m }
  concurrency: 8
  quarantine: detach
  accounts:
    prod: { role_arn: "arn:aws:iam::111122223333:role/ops/keyturn", external_id: x-1, session_name: "kt-${rotation}", duration: 1h30m }
    test: { role_arn: "arn:aws-cn:iam::444455556666:role/keyturn" }
journal: { path: journal.db }
seal: { kms: { key_id: alias/keyturn, region: eu-west-1, account: prod } }
defaults: { grace: 2h, max_age: 90d, on_leak: contain_first }
sinks:
  box:
    box:
      address: https://box:8200
      token: { env: "TOKEN_${robot}" }
      path: "ci/${account}/${robot}"
      variables: { access_key_id: ID }
  hole: { hole: }
robots:
  ci-bot:
    account: prod
    schedule: "CRON_TZ=Europe/Berlin 0 3 1 * *"
    max_age: 30d
    verify: { assume_role: "arn:aws:iam::111122223333:role/deploy" }
    sinks:
      - box
      - { sink: box, with: { path: "${user}/$${x}/${rotation}", token: { command: [pass, show, "${robot}"] }, slots: 7, tags: [a, "${robot}"], labels: { r: "${robot}" }, extra: { a: ["${user}", 1, true] } }, required: false, min_evidence: exact }
      - sink: hole
        with:
          name: h
        min_evidence: accepted
  "42":
    user: Deploy@Example
    quiet: 0
    grace: 0s
    sinks: [box]
`

func load(t *testing.T, doc string) *Config {
	t.Helper()
	cfg, err := Load("keyturn.yaml", []byte(doc), specs)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestLoad(t *testing.T) {
	cfg := load(t, full)
	cron, err := schedule.Parse("CRON_TZ=Europe/Berlin 0 3 1 * *")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		AWS: AWS{
			Region: "eu-central-1", Settle: 30 * time.Second, OrphanWait: 36 * time.Hour,
			Probe: Probe{Rounds: 3, Deadline: time.Minute}, Concurrency: 8, Quarantine: "detach",
			Accounts: map[string]Account{
				"prod": {RoleARN: "arn:aws:iam::111122223333:role/ops/keyturn", ExternalID: "x-1", SessionName: "kt-${rotation}", Duration: 90 * time.Minute},
				"test": {RoleARN: "arn:aws-cn:iam::444455556666:role/keyturn", SessionName: "keyturn-${robot}-${rotation}", Duration: time.Hour},
			},
		},
		Journal: Journal{Path: "journal.db"},
		Seal:    Seal{KMS: &KMS{KeyID: "alias/keyturn", Region: "eu-west-1", Account: "prod"}},
		Robots: []Robot{
			{
				Name: "ci-bot", User: "ci-bot", Account: "prod", Plan: schedule.Plan{Cron: cron, MaxAge: 30 * schedule.Day},
				Settings: Settings{
					Grace: 2 * time.Hour, Soak: 24 * time.Hour, MaxAge: 30 * schedule.Day, MakeRoom: "own", OnLeak: "contain_first", LeakDeadline: time.Minute,
				},
				AssumeRole: "arn:aws:iam::111122223333:role/deploy",
				Sinks: []BoundSink{
					{Name: "box", Kind: "box", Required: true, MinEvidence: sinks.Stamped, Destination: "e23003423da13f69a514766ac6691955"},
					{Name: "box#2", Kind: "box", MinEvidence: sinks.Exact, Destination: "c38ae1a4e9ce0c8b99733c10f0cbffcc"},
					{Name: "hole", Kind: "hole", Required: true, MinEvidence: sinks.Accepted, Destination: "3c394a7bd421190b60c5bb6fe5e921bc"},
				},
			},
			{
				Name: "42", User: "Deploy@Example", Plan: schedule.Plan{MaxAge: 90 * schedule.Day},
				Settings: Settings{Soak: 24 * time.Hour, MaxAge: 90 * schedule.Day, MakeRoom: "own", OnLeak: "contain_first", LeakDeadline: time.Minute},
				Sinks:    []BoundSink{{Name: "box", Kind: "box", Required: true, MinEvidence: sinks.Stamped, Destination: "fb4d3d0cd9d40c566bb13eab69c092b1"}},
			},
		},
	}
	if diff := cmp.Diff(want, cfg, cmpopts.IgnoreFields(BoundSink{}, "Open"), cmp.AllowUnexported(schedule.Schedule{}),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	cfg := load(t, "seal: { key: { file: k } }\n")
	want := &Config{
		AWS: AWS{
			Settle: time.Minute, OrphanWait: 15 * time.Minute,
			Probe: Probe{Rounds: 2, Spacing: 2 * time.Second, Deadline: 2 * time.Minute}, Concurrency: 32, Quarantine: "report",
		},
		Journal:  Journal{Path: "/var/lib/keyturn/journal.db"},
		Seal:     Seal{Key: secret.Ref{File: "k"}},
		Warnings: []string{"keyturn.yaml:1:1: robots: there are none: nothing will be rotated"},
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	cfg := load(t, "seal: { key: { file: k } }\nsinks:\n  spare: { hole: { } }\n  h: { hole: { name: h } }\nrobots:\n  r: { sinks: [{ sink: h, min_evidence: accepted }] }\n")
	if diff := cmp.Diff([]string{"keyturn.yaml:3:3: sinks.spare: no robot uses it"}, cfg.Warnings); diff != "" {
		t.Error(diff)
	}
}

// What a sink is opened with: the kind's defaults, the named sink, the robot's keys, and the placeholders.
func TestOpen(t *testing.T) {
	robots := load(t, full).Robots
	open := func(s BoundSink, rotation string) *boxConfig {
		t.Helper()
		got, err := s.Open(t.Context(), rotation, sinks.Env{})
		if err != nil {
			t.Fatal(err)
		}
		return got.(boxSink).cfg
	}
	vars := sinks.DefaultVariables
	vars.AccessKeyID = "ID"
	second := &boxConfig{
		Address: "https://box:8200", Token: secret.Ref{Command: []string{"pass", "show", "ci-bot"}}, Path: "ci-bot/${x}/20261120-bbbbbbbb", Slots: 7,
		Tags: []string{"a", "ci-bot"}, Labels: map[string]string{"kind": "box", "r": "ci-bot"},
		Extra: map[string]any{"a": []any{"ci-bot", int64(1), true}}, Variables: vars,
	}
	first := &boxConfig{
		Address: "https://box:8200", Token: secret.Ref{Env: "TOKEN_ci-bot"}, Path: "ci/prod/ci-bot", Slots: 2,
		Tags: []string{"by-ci-bot"}, Labels: map[string]string{"kind": "box"}, Variables: vars,
	}
	other := &boxConfig{
		Address: "https://box:8200", Token: secret.Ref{Env: "TOKEN_42"}, Path: "ci/default/42", Slots: 2,
		Tags: []string{"by-42"}, Labels: map[string]string{"kind": "box"}, Variables: vars,
	}
	_ = open(robots[0].Sinks[1], "20261120-aaaaaaaa") // an earlier rotation leaves nothing behind
	for name, tt := range map[string]struct{ got, want *boxConfig }{
		"the sink as it is named":  {open(robots[0].Sinks[0], "20261120-aaaaaaaa"), first},
		"with the robot's own":     {open(robots[0].Sinks[1], "20261120-bbbbbbbb"), second},
		"for another robot":        {open(robots[1].Sinks[0], "20261120-aaaaaaaa"), other},
		"the kind's own defaults":  {box.New().(*boxConfig), &boxConfig{Slots: 2, Tags: []string{"by-${robot}"}, Labels: map[string]string{"kind": "box"}, Variables: sinks.DefaultVariables}},
		"a second time, unchanged": {open(robots[0].Sinks[0], "20261120-cccccccc"), first},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if _, err := robots[0].Sinks[2].Open(t.Context(), "r", sinks.Env{}); err == nil || err.Error() != "closed" {
		t.Errorf("the kind's own error must come through: %v", err)
	}
}

func TestNumber(t *testing.T) {
	if got := (Account{RoleARN: "arn:aws:iam::111122223333:role/k"}).Number(); got != "111122223333" {
		t.Error(got)
	}
	if got := (Account{}).Number(); got != "" {
		t.Error(got)
	}
}
