package awsauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// CredentialsError says that keyturn's own credentials could not be fetched.
type CredentialsError struct {
	Role string // "assume role arn:..."; empty for the SDK's chain
	Err  error
}

func (e *CredentialsError) Error() string {
	if e.Role == "" {
		return fmt.Sprintf("no credentials: %v", e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Role, e.Err)
}

func (e *CredentialsError) Unwrap() error { return e.Err }

// Passing says that the same call may work later: AWS could not be reached, or was busy.
func (e *CredentialsError) Passing() bool {
	var gaveUp *GaveUp
	return e.Role != "" && errors.As(e.Err, &gaveUp)
}

// provider marks the errors of the credentials it hands on, and can drop them. The SDK's
// cache is behind a closure: fmt would print what it holds (see package secret).
type provider struct {
	inner func() aws.CredentialsProvider
	role  string
}

func newProvider(inner aws.CredentialsProvider, role string) *provider {
	return &provider{inner: func() aws.CredentialsProvider { return inner }, role: role}
}

// Retrieve implements aws.CredentialsProvider.
func (p *provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	inner := p.inner()
	if inner == nil {
		return aws.Credentials{}, &CredentialsError{Err: errors.New("the SDK's chain is empty")}
	}
	c, err := inner.Retrieve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return aws.Credentials{}, context.Cause(ctx)
		}
		return aws.Credentials{}, &CredentialsError{Role: p.role, Err: err}
	}
	return c, nil
}

// drop makes the next Retrieve fetch anew: AWS says that the session has ended.
func (p *provider) drop() {
	if c, ok := p.inner().(interface{ Invalidate() }); ok {
		c.Invalidate()
	}
}

// withoutSecrets is what a configuration was made from, without the credentials that the SDK
// leaves lying there, open, once it has made a provider of them.
func withoutSecrets(sources []any) []any {
	clean := make([]any, len(sources))
	for i, source := range sources {
		switch s := source.(type) {
		case config.EnvConfig:
			s.Credentials, s.ContainerAuthorizationToken = aws.Credentials{}, ""
			source = s
		case config.SharedConfig:
			s.Credentials, s.Source = aws.Credentials{}, nil
			source = s
		}
		clean[i] = source
	}
	return clean
}

// fetchTimeout bounds one fetch of credentials, throttling included.
const fetchTimeout = time.Minute

// bounded gives a fetch a deadline. The SDK shares one fetch among all who wait for it, and
// for that takes away the deadlines of the waiting.
type bounded struct{ aws.CredentialsProvider }

func (b bounded) Retrieve(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTimeout, fmt.Errorf("no credentials within %s", fetchTimeout))
	defer cancel()
	return b.CredentialsProvider.Retrieve(ctx)
}
