package app

import (
	"context"

	"keyturn/config"
	"keyturn/internal/awsauth"
	"keyturn/rotator"
	"keyturn/sinks"
)

// robotOf is a robot of the configuration as the rotator sees it. env is what its sinks get for a rotation.
func robotOf(aws config.AWS, r config.Robot, env func(rotator.ID) sinks.Env) rotator.Robot {
	out := rotator.Robot{
		Name: r.Name, User: r.User, Account: r.Account, Number: aws.Accounts[r.Account].Number(),
		Owed:   r.Plan.Owed,
		Policy: policyOf(aws, r),
	}
	for _, s := range r.Sinks {
		out.Sinks = append(out.Sinks, rotator.Sink{
			SinkPlan:  rotator.SinkPlan{Name: s.Name, Kind: s.Kind, Required: s.Required, MinEvidence: s.MinEvidence, Destination: s.Destination, Canary: s.Canary > 0},
			CanaryFor: s.Canary,
			Open: func(ctx context.Context, rotation rotator.ID) (sinks.Sink, error) {
				return s.Open(ctx, string(rotation), env(rotation))
			},
		})
	}
	return out
}

func policyOf(aws config.AWS, r config.Robot) rotator.Policy {
	return rotator.Policy{
		Settle: aws.Settle, OrphanWait: aws.OrphanWait,
		Probe: rotator.ProbePolicy{
			Rounds: aws.Probe.Rounds, Spacing: aws.Probe.Spacing, Deadline: aws.Probe.Deadline, Role: r.AssumeRole,
		},
		Grace: r.Grace, Quiet: r.Quiet, Soak: r.Soak,
		MakeRoom: rotator.MakeRoom(r.MakeRoom), OnLeak: rotator.OnLeak(r.OnLeak), LeakDeadline: r.LeakDeadline,
		Quarantine: rotator.QuarantinePolicy(aws.Quarantine),
	}
}

// callsPerRobot is how many calls to its account one robot makes side by side, at most.
const callsPerRobot = 3

// accountsOf are the accounts of the configuration.
func accountsOf(ctx context.Context, aws config.AWS, agent string) (*awsauth.Accounts, error) {
	o := awsauth.Options{Region: aws.Region, Concurrency: callsPerRobot * aws.Concurrency, UserAgent: agent, Accounts: map[string]awsauth.Account{}}
	for name, a := range aws.Accounts {
		o.Accounts[name] = awsauth.Account{RoleARN: a.RoleARN, ExternalID: a.ExternalID, SessionName: a.SessionName, Duration: a.Duration}
	}
	return awsauth.New(ctx, o)
}
