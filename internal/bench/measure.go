package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"keyturn/internal/app"
	"keyturn/internal/standin"
	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

// world is what is measured.
type world struct {
	robots     int
	bystanders int           // users of the account that no robot is
	latency    time.Duration // of each call to AWS
	rate       int           // calls per second that AWS allows; 0 is no limit
}

// measured is one run of `rotate --now --all`, with the tag there already.
type measured struct {
	wall      time.Duration
	calls     int // that AWS did not throttle
	throttled int
	sequence  int // calls that waited for one another; of one robot
	failed    int
	events    int64
	fsync     time.Duration
}

// tooLong ends a measurement that does not end by itself.
const tooLong = 3 * time.Minute

func measure(ctx context.Context, w world) (_ measured, err error) {
	dir, err := os.MkdirTemp("", "keyturn-bench-")
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	iam := rotatortest.NewIAM("111122223333")
	server, err := standin.Start(iam)
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := populate(w, iam, server.URL, dir); err != nil {
		return measured{}, err
	}
	a, err := app.Open(ctx, app.Options{Config: filepath.Join(dir, "keyturn.yaml"), Access: app.Write, Kinds: []sinks.Spec{memory()}})
	if err != nil {
		return measured{}, err
	}
	defer a.Close()

	// The first rotation writes the tag and opens connections; what is measured is every later one.
	iam.Change(func() { iam.Latency = w.latency })
	if failed := run(ctx, a, nil); failed > 0 {
		return measured{}, fmt.Errorf("%d of %d robots failed before anything was measured", failed, w.robots)
	}
	iam.Change(func() { iam.Latency, iam.RateLimit = w.latency, w.rate })
	iam.ForgetCalls()

	ctx, cancel := context.WithTimeoutCause(ctx, tooLong, fmt.Errorf("no end within %s", tooLong))
	defer cancel()
	var m measured
	begin := time.Now()
	m.failed = run(ctx, a, &m.events)
	m.wall = time.Since(begin)
	for _, r := range iam.Log() {
		var e *rotatortest.Error
		if errors.As(r.Err, &e) && e.Code == "Throttling" {
			m.throttled++
			continue
		}
		m.calls++
	}
	m.sequence = inSequence(iam.Log())
	m.fsync, err = fsync(dir)
	return m, err
}

func run(ctx context.Context, a *app.App, events *int64) (failed int) {
	watch := func(string, rotator.Event) {
		if events != nil {
			atomic.AddInt64(events, 1)
		}
	}
	for _, r := range a.Rotate(ctx, app.RotateOptions{Now: true}, watch, nil) {
		if r.Err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%s: %v\n", r.Robot, r.Err)
		}
	}
	return failed
}

// populate makes users, keys and the configuration, and points the SDK at the stand-in.
func populate(w world, iam *rotatortest.IAM, url, dir string) error {
	iam.AddUser("keyturn", "")
	operator, secret, err := iam.AddKey("keyturn", time.Hour)
	if err != nil {
		return err
	}
	for i := range w.bystanders {
		iam.AddUser(fmt.Sprintf("user-%03d", i), "")
	}
	var robots strings.Builder
	for i := range w.robots {
		name := fmt.Sprintf("bot-%03d", i)
		iam.AddUser(name, "")
		if _, _, err := iam.AddKey(name, time.Hour); err != nil {
			return err
		}
		fmt.Fprintf(&robots, "  %s: { sinks: [one, two] }\n", name)
	}
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": string(operator.ID), "AWS_SECRET_ACCESS_KEY": secret.Reveal(),
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_SESSION_TOKEN": "", "KEYTURN_CONFIG": "",
	} {
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	if _, err := app.Keygen(filepath.Join(dir, "seal.key")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "keyturn.yaml"), []byte(fmt.Sprintf(config, dir, robots.String())), 0o600)
}

const config = `aws: { region: us-east-1, settle: 1s, concurrency: 100, probe: { spacing: 0s } }
journal: { path: "%[1]s/journal.db" }
seal: { key: { file: "%[1]s/seal.key" } }
defaults: { grace: 0s, quiet: 0s, soak: 0s }
sinks:
  one: { memory: { name: "${robot}.one" } }
  two: { memory: { name: "${robot}.two" } }
robots:
%[2]s`

// fsync is what one costs here, on average: 4 KiB written and synced.
func fsync(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	const n = 50
	begin := time.Now()
	for range n {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin) / n, nil
}
