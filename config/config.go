// Package config reads keyturn's configuration: strict YAML, with every error at
// once, each with its place and the nearest valid name.
//
//	cfg, err := config.Load("keyturn.yaml", data, builtin.All)
//
// It reads no secret and contacts nothing. A secret in the configuration is a
// reference ([secret.Ref]) that a sink resolves when it is opened, so that a missing
// token file stops one robot and not all. No error shows a value of the document.
package config

import (
	"context"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator/schedule"
	"keyturn/sinks"
)

// Config is a configuration that is complete and valid.
type Config struct {
	AWS      AWS
	Journal  Journal
	Seal     Seal
	Robots   []Robot  // in the order of the file
	Warnings []string // what an operator should know, each with its place
}

// AWS is how IAM and STS are reached.
type AWS struct {
	Region      string             `yaml:"region" doc:"region of STS and of the sinks that name none; default: the SDK's (AWS_REGION, the profile)"`
	Settle      time.Duration      `yaml:"settle" doc:"how long IAM may take to list a key that was just made"`
	OrphanWait  time.Duration      `yaml:"orphan_wait" doc:"how long an orphan stays inactive before it is deleted (0 in a leak)"`
	Probe       Probe              `yaml:"probe"`
	Concurrency int                `yaml:"concurrency" doc:"robots worked on at once; also per account"`
	Quarantine  string             `yaml:"quarantine" oneof:"report detach" doc:"what to do about AWS's own quarantine policy once the key is replaced"`
	Accounts    map[string]Account `yaml:"accounts" doc:"accounts reached by AssumeRole; default is the SDK's own credential chain"`
}

// Probe is how a new key is proven.
type Probe struct {
	Rounds   int           `yaml:"rounds" doc:"rounds of signed calls, all of which must work"`
	Spacing  time.Duration `yaml:"spacing" doc:"time between rounds"`
	Deadline time.Duration `yaml:"deadline" doc:"time for all rounds"`
}

// Account is an AWS account that is reached by assuming a role in it.
type Account struct {
	RoleARN     string        `yaml:"role_arn" doc:"role to assume; required"`
	ExternalID  string        `yaml:"external_id" doc:"external id that the role's trust policy asks for"`
	SessionName string        `yaml:"session_name" doc:"name of the session; may hold ${robot} and ${rotation}"`
	Duration    time.Duration `yaml:"duration" doc:"how long the role's credentials last, 15m to 12h"`
}

// Journal is where rotations are recorded.
type Journal struct {
	Path string // of the SQLite file
}

// Seal is what encrypts the pending secret. Exactly one of Key and KMS is set.
type Seal struct {
	Key secret.Ref `yaml:"key" doc:"AES-256-GCM key, as keyturn seal keygen makes it"`
	KMS *KMS       `yaml:"kms"`
}

// KMS is a key of AWS KMS.
type KMS struct {
	KeyID   string `yaml:"key_id" doc:"id, ARN or alias of the KMS key; required"`
	Region  string `yaml:"region" doc:"its region; default: aws.region"`
	Account string `yaml:"account" doc:"its account, a name under aws.accounts"`
}

// Settings are what a robot may set for itself, and defaults: for all of them.
type Settings struct {
	Grace        time.Duration `yaml:"grace" doc:"from all sinks verified to the first look at the old key's use"`
	Quiet        time.Duration `yaml:"quiet" doc:"ask for that long without use of the old key"`
	Soak         time.Duration `yaml:"soak" doc:"how long the old key stays inactive before it is deleted"`
	MaxAge       time.Duration `yaml:"max_age" doc:"age at which a key must be replaced; 0: none"`
	MakeRoom     string        `yaml:"make_room" oneof:"own inactive unused" doc:"which second key may be deleted to make room"`
	OnLeak       string        `yaml:"on_leak" oneof:"replace_first contain_first" doc:"what happens first when a key has leaked"`
	LeakDeadline time.Duration `yaml:"leak_deadline" doc:"when a leaked key is disabled at the latest under replace_first"`
}

// Robot is an IAM user whose key is rotated.
type Robot struct {
	Name    string
	User    string // the IAM user's name
	Account string // a name under aws.accounts; "" is the SDK's own credential chain
	Plan    schedule.Plan
	Settings
	AssumeRole string // ARN of a role that a new key must be able to assume; "" for none
	Sinks      []BoundSink
}

// BoundSink is a sink as one robot uses it.
type BoundSink struct {
	// Name is unique within the robot: a sink that is used a second time is "vault#2".
	Name        string
	Kind        string
	Required    bool
	MinEvidence sinks.Evidence
	// Destination is a fingerprint of the kind and of what a push changes.
	Destination string
	// Canary is how long its canary may take; 0: it has none.
	Canary time.Duration
	// Open resolves the secrets and makes the sink. rotation is the value of ${rotation}.
	Open func(ctx context.Context, rotation string, env sinks.Env) (sinks.Sink, error)
}

// The defaults, as the manual states them.
func defaultAWS() AWS {
	return AWS{
		Settle: time.Minute, OrphanWait: 15 * time.Minute,
		Probe:       Probe{Rounds: 2, Spacing: 2 * time.Second, Deadline: 2 * time.Minute},
		Concurrency: 32, Quarantine: "report",
	}
}

func (a *Account) setDefaults() {
	a.SessionName, a.Duration = "keyturn-${robot}-${rotation}", time.Hour
}

const defaultJournal = "/var/lib/keyturn/journal.db"

func defaultSettings() Settings {
	return Settings{
		Grace: time.Hour, Soak: 24 * time.Hour, MaxAge: 90 * schedule.Day,
		MakeRoom: "own", OnLeak: "replace_first", LeakDeadline: time.Minute,
	}
}
