// Package awsiam is the rotator's Issuer on AWS IAM and STS. Nothing else imports IAM.
//
//	cfg, err := accounts.Config(ctx, awsauth.Session{...}) // package awsauth
//	issuer := awsiam.New(cfg, memory)
//
// Retries, rates and deadlines of attempts come with the configuration; this package says
// what an answer means. Every error is a *rotator.IssuerError whose class follows the table
// in classify.go and whose text is AWS's code and message, never a body. No error of the SDK
// is kept: some of them hold the raw answer.
//
// The one call that is different is CreateAccessKey (create.go): it has no idempotency token,
// so a second attempt after a lost answer would make a second key.
package awsiam
