// Package app puts keyturn together: configuration, journal, seal, AWS accounts, sinks and rotator.
//
//	a, err := app.Open(ctx, app.Options{Config: "keyturn.yaml", Access: app.Write, Log: log})
//	defer a.Close()
//	results := a.Rotate(ctx, app.RotateOptions{}, nil, nil)
//
// An error of Open is a [*UsageError]: nothing was contacted. Its methods are what the commands do.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"keyturn/config"
	"keyturn/internal/awsauth"
	"keyturn/internal/pace"
	"keyturn/rotator"
	"keyturn/rotator/awsiam"
	"keyturn/rotator/journal"
	"keyturn/sinks"
	"keyturn/sinks/builtin"
)

// Access is what a command needs of journal and seal.
type Access int

// The kinds of access.
const (
	Read  Access = iota // the journal as it is, also beside a process that writes, and none if there is none; no seal
	Write               // the journal, made if there is none, and the seal
)

// Options say what to open.
type Options struct {
	Config  string // path of the configuration; "": KEYTURN_CONFIG, or where config.Find looks
	Access  Access
	Log     *zap.Logger
	Version string       // goes into the user agent
	Kinds   []sinks.Spec // of sink; nil: all that are built in
}

// App is keyturn with one configuration.
type App struct {
	Warnings []string // about the configuration, each with its place

	file        string
	log         *zap.Logger
	robots      []rotator.Robot
	concurrency int
	rotator     *rotator.Rotator
	accounts    *awsauth.Accounts
	stops       stops
}

// Open reads the configuration and opens what it names. Close gives it back.
func Open(ctx context.Context, o Options) (_ *App, err error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	a := &App{log: o.Log.Named("app")}
	defer func() {
		if err != nil {
			a.Close()
			err = asUsage(err)
		}
	}()

	if a.file, err = config.Find(o.Config, os.Getenv("KEYTURN_CONFIG")); err != nil {
		return nil, fmt.Errorf("%w; keyturn init writes a first one", err)
	}
	if o.Kinds == nil {
		o.Kinds = builtin.All
	}
	cfg, err := config.LoadFile(a.file, o.Kinds)
	if err != nil {
		return nil, err
	}
	a.Warnings = cfg.Warnings
	a.concurrency = cfg.AWS.Concurrency

	agent := "keyturn/" + o.Version
	accounts, err := accountsOf(ctx, cfg.AWS, agent)
	if err != nil {
		return nil, err
	}
	a.accounts = accounts

	var sealer rotator.Sealer
	if o.Access == Write {
		if sealer, err = openSeal(ctx, cfg.Seal, accounts); err != nil {
			return nil, err
		}
	}

	j, err := openJournal(ctx, cfg.Journal.Path, o.Access)
	if err != nil {
		return nil, err
	}
	a.stops.add("journal", j.Close)

	memory := awsiam.NewMemory()
	a.rotator = &rotator.Rotator{
		Journal: j,
		Sealer:  sealer,
		Issuer: func(ctx context.Context, r rotator.Robot, id rotator.ID) (rotator.Issuer, error) {
			c, err := accounts.Config(ctx, awsauth.Session{Account: r.Account, Robot: r.Name, User: r.User, Rotation: string(id)})
			if err != nil {
				return nil, err
			}
			return awsiam.New(c, memory), nil
		},
		Log: o.Log.Named("rotator"),
	}
	stores, serials := pace.NewGroup(cfg.AWS.Concurrency), &sinks.Serials{}
	for _, r := range cfg.Robots {
		a.robots = append(a.robots, robotOf(cfg.AWS, r, func(id rotator.ID) sinks.Env {
			return sinks.Env{UserAgent: agent, Pace: stores.For, Serials: serials, AWS: func(ctx context.Context, account, region string) (aws.Config, error) {
				return accounts.Config(ctx, awsauth.Session{Account: account, Region: region, Robot: r.Name, User: r.User, Rotation: string(id)})
			}}
		}))
	}
	return a, nil
}

// Close gives back what was opened, the last first.
func (a *App) Close() { a.stops.run(a.log) }

// openFor is how long the journal may be locked by somebody else, who needs it for milliseconds.
const openFor = 30 * time.Second

// openJournal opens the journal as a command needs it.
func openJournal(ctx context.Context, path string, access Access) (rotator.Journal, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, openFor, fmt.Errorf("another process has kept it locked for %s", openFor))
	defer cancel()
	if access == Write {
		return journal.Open(ctx, path)
	}
	j, err := journal.OpenReadOnly(ctx, path)
	if errors.Is(err, journal.ErrMissing) {
		return noJournal{}, nil
	}
	if err != nil {
		return nil, err
	}
	return j, nil
}
