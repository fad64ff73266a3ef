// Package demo tells keyturn's story on the machine at hand: a stand-in for AWS inside this process, files as sinks, and
// this very program as a child for every command that is shown.
//
// Nothing is canned. Every line that begins with a tick was checked against the stand-in and the files; if one of them does
// not hold, [Run] fails.
package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Options say where to tell the story, and which program plays keyturn.
type Options struct {
	Out io.Writer
	// Keyturn is the program and its leading arguments: normally just this executable.
	Keyturn []string
	// Env is what that program needs besides; normally nothing.
	Env []string
}

// Run tells the whole story. It works in a temporary folder, which it removes, and uses no network but the loopback.
func Run(ctx context.Context, o Options) error {
	if len(o.Keyturn) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("demo: find this program: %w", err)
		}
		o.Keyturn = []string{exe}
	}
	begin := time.Now()
	s, err := newStage(o)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer s.close()
	for _, scene := range []func(context.Context, *stage) error{opening, scheduled, failing, crash, journalled} {
		if err := scene(ctx, s); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	s.text("", fmt.Sprintf("That took %.1f seconds. Everything above happened: a stand-in for AWS on the loopback, real files, real processes.", time.Since(begin).Seconds()),
		"The folder it happened in is removed. To begin with your own users: `keyturn init`.")
	return nil
}

// The names of the story.
const (
	user    = "ci-bot"
	account = "111122223333"
)

// newStage makes the folder, the stand-in and the configuration.
func newStage(o Options) (_ *stage, err error) {
	dir, err := os.MkdirTemp("", "keyturn-demo-")
	if err != nil {
		return nil, err
	}
	s := &stage{out: o.Out, keyturn: o.Keyturn, extraEnv: o.Env, dir: dir}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, d := range []string{s.path("jenkins"), s.path("deploy")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
	}
	if s.aws, err = startAWS(); err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.path("keyturn.yaml"), []byte(fmt.Sprintf(config, dir)), 0o600)
}

// config is the demo's configuration. Waits are short: nobody watches for an hour.
const config = `aws:
  region: us-east-1
  settle: 1s
  probe: { rounds: 2, spacing: 50ms, deadline: 10s }
journal: { path: "%[1]s/journal.db" }
seal: { key: { file: "%[1]s/seal.key" } }
defaults: { grace: 1s, soak: 1s, max_age: 30d }
sinks:
  jenkins: { file: { path: "%[1]s/jenkins/credentials", format: credentials, profile: ci-bot } }
  deploy:  { file: { path: "%[1]s/deploy/env", format: dotenv } }
robots:
  ci-bot:
    sinks: [jenkins, deploy]
`

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }
