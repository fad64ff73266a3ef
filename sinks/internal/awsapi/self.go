package awsapi

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"keyturn/internal/awsauth"
)

// Self is the identity that a sink authenticates with. AWS is asked for it once. Embed it to be a sinks.Principal.
type Self struct {
	kind string
	ask  func(context.Context) (string, error)

	mu  sync.Mutex
	arn string
}

// NewSelf is the identity behind cfg; kind begins its errors.
func NewSelf(kind string, cfg aws.Config) *Self {
	return &Self{kind: kind, ask: func(ctx context.Context) (string, error) { return awsauth.Whoami(ctx, cfg) }}
}

// Principal implements sinks.Principal.
func (p *Self) Principal(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.arn == "" {
		arn, err := p.ask(ctx)
		if err != nil {
			return "", Error(p.kind+": who keyturn is", err)
		}
		p.arn = arn
	}
	return p.arn, nil
}
