package awsauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"keyturn/internal/pace"
)

// Default is the account of the SDK's own credential chain. "" means the same.
const Default = "default"

// Options say which accounts there are and how to call them.
type Options struct {
	// Region is where calls go that name none. Empty: what the SDK finds (AWS_REGION, the profile), or us-east-1.
	Region string
	// Accounts are those reached by AssumeRole, by name.
	Accounts map[string]Account
	// Concurrency is how many calls to one account may be under way at once; 0 means 32.
	Concurrency int
	// AttemptTimeout is how long one attempt may take from its signature to the end of the answer; 0 means 10 s.
	AttemptTimeout time.Duration
	// Transport carries the requests; nil means the network. For tests.
	Transport http.RoundTripper
	// UserAgent is added to the SDK's: "keyturn/1.2.3".
	UserAgent string
}

// Account is one that is reached by AssumeRole.
type Account struct {
	RoleARN     string
	ExternalID  string
	SessionName string        // may hold ${robot}, ${user}, ${account} and ${rotation}; empty: DefaultSessionName
	Duration    time.Duration // 15 minutes to 12 hours; 0 means 1 hour
}

// Session says for whom a configuration is. Robot, User and Rotation only go into the session's name.
type Session struct {
	Account  string
	Region   string // empty: that of Options
	Robot    string
	User     string // empty: Robot
	Rotation string
}

// Accounts gives out configurations. It is safe for concurrent use.
type Accounts struct {
	opts     Options
	roles    map[string]role
	limiters map[string]*pace.Limiter // by account number; "" is the default account
	sessions *sessions

	mu   sync.Mutex
	base *aws.Config // the SDK's chain, once it was loaded
}

// New checks the options. It contacts nobody and reads no credentials: that is left to the
// first use, so that a broken account fails only who needs it.
func New(_ context.Context, o Options) (*Accounts, error) {
	if o.Concurrency == 0 {
		o.Concurrency = 32
	}
	if o.AttemptTimeout == 0 {
		o.AttemptTimeout = 10 * time.Second
	}
	a := &Accounts{opts: o, roles: map[string]role{}, sessions: newSessions(maxSessions)}
	a.limiters = map[string]*pace.Limiter{"": pace.New(o.Concurrency)}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(o.Accounts)) {
		r, err := newRole(name, o.Accounts[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("aws account %s: %w", name, err))
			continue
		}
		a.roles[name] = r
		if a.limiters[r.number] == nil {
			a.limiters[r.number] = pace.New(o.Concurrency)
		}
	}
	return a, errors.Join(errs...)
}

// Config is what SDK clients for the session are made from. It makes no AWS call: credentials
// are fetched by the first call that needs them, and cached by account and session name.
func (a *Accounts) Config(ctx context.Context, s Session) (aws.Config, error) {
	base, err := a.chain(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	cfg := base.Copy()
	if s.Account != "" && s.Account != Default {
		r, ok := a.roles[s.Account]
		if !ok {
			return aws.Config{}, fmt.Errorf("aws account %s is not configured: there are %s", s.Account, a.names())
		}
		name, err := sessionName(r.SessionName, s)
		if err != nil {
			return aws.Config{}, fmt.Errorf("aws account %s: %w", s.Account, err)
		}
		creds := a.sessions.get(s.Account, name, func() *provider { return r.provider(base, name) })
		cfg = a.equip(cfg, creds, a.limiters[r.number])
	}
	if s.Region != "" {
		cfg.Region = s.Region
	}
	return cfg, nil
}

// Number is the account's number as its role names it; "" for the default account, whose number only AWS knows.
func (a *Accounts) Number(account string) string { return a.roles[account].number }

// names lists what can be asked for, for errors.
func (a *Accounts) names() string {
	return strings.Join(append([]string{Default}, slices.Sorted(maps.Keys(a.roles))...), ", ")
}

const defaultRegion = "us-east-1"

// chain is the configuration of the default account. A failure to load it is not remembered.
func (a *Accounts) chain(ctx context.Context) (aws.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.base != nil {
		return *a.base, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(a.opts.Region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("aws configuration: %w", err)
	}
	if cfg.Region == "" { // IAM is the same in every region; something has to be signed with
		cfg.Region = defaultRegion
	}
	cfg.HTTPClient = newHTTPClient(cfg, a.opts)
	cfg.ConfigSources = withoutSecrets(cfg.ConfigSources)
	cfg.ClientLogMode = 0 // bodies of requests and answers are secrets
	cfg = a.equip(cfg, newProvider(cfg.Credentials, ""), a.limiters[""])
	a.base = &cfg
	return cfg, nil
}

// equip replaces what makes a configuration belong to an account.
func (a *Accounts) equip(cfg aws.Config, creds *provider, l *pace.Limiter) aws.Config {
	cfg.Credentials = creds
	cfg.RetryMaxAttempts = 0 // AWS_MAX_ATTEMPTS would cut our own retries short
	cfg.Retryer = func() aws.Retryer { return retryer{} }
	c := caller{limiter: l, timeout: a.opts.AttemptTimeout, creds: creds}
	cfg.APIOptions = append(userAgent(a.opts.UserAgent), c.add)
	return cfg
}
