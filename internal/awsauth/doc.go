// Package awsauth gives out AWS configurations: which credentials, which account, how fast,
// how patiently. It is shared by package awsiam, the AWS sinks and the KMS seal, so that all
// calls to one account go through one limiter and one set of connections.
//
//	accounts, err := awsauth.New(ctx, awsauth.Options{Region: "us-east-1", Accounts: ...})
//	cfg, err := accounts.Config(ctx, awsauth.Session{Account: "prod", Robot: "ci-bot", Rotation: id})
//	client := iam.NewFromConfig(cfg)
//
// A client made from such a configuration has no fixed rate. It runs as wide as the account
// takes it, slows down when AWS throttles, and repeats what was throttled, or failed in
// passing, until its context ends: then the error is a [*GaveUp]. A call that must not be
// repeated is made with aws.NopRetryer; it still waits for its turn.
package awsauth
