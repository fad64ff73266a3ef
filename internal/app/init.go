package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"keyturn/internal/awsauth"
	"keyturn/rotator"
	"keyturn/rotator/awsiam"
)

// candidate is an IAM user with access keys.
type candidate struct {
	awsiam.ListedUser
	keys []rotator.Key
	self bool // keyturn itself signs with one of them
}

// initWidth is how many users are asked for their keys at once.
const initWidth = 16

// Init writes a first configuration to file, mode 0600, from the IAM users that the SDK's own credentials reach, and says how
// many robots it has. It never overwrites. The sink it names leads nowhere until it is edited, so that nothing is rotated
// before somebody has said where keys are served.
func Init(ctx context.Context, file string, _ *zap.Logger) (robots int, err error) {
	if _, err := os.Lstat(file); err == nil {
		return 0, usagef("%s: is there already; move it away, or name another with --config", file)
	}
	accounts, err := awsauth.New(ctx, awsauth.Options{Region: os.Getenv("AWS_REGION")})
	if err != nil {
		return 0, err
	}
	cfg, err := accounts.Config(ctx, awsauth.Session{})
	if err != nil {
		return 0, err
	}
	issuer := awsiam.New(cfg, nil)
	who, err := issuer.Caller(ctx)
	if err != nil {
		return 0, fmt.Errorf("init: who are we: %w", err)
	}
	users, err := candidates(ctx, issuer)
	if err != nil {
		return 0, fmt.Errorf("init: %w", err)
	}
	for i := range users {
		users[i].self = strings.HasSuffix(who.ARN, ":user"+users[i].Path+users[i].Name)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return 0, err
	}
	text, robots := firstConfig(filepath.Dir(abs), cfg.Region, who.Account, users)
	return robots, writeNew(file, text)
}

// candidates are the users that have access keys, in the order IAM lists them.
func candidates(ctx context.Context, issuer *awsiam.Issuer) ([]candidate, error) {
	listed, err := issuer.Users(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]candidate, len(listed))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(initWidth)
	for i, u := range listed {
		g.Go(func() error {
			keys, _, err := issuer.Keys(ctx, u.Name)
			all[i] = candidate{ListedUser: u, keys: keys}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []candidate
	for _, c := range all {
		if len(c.keys) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// firstConfig is the text, and how many robots it has. Users that look like people, and keyturn's own, are comments.
func firstConfig(dir, region, account string, users []candidate) (string, int) {
	journal, seal := filepath.Join(dir, "journal.db"), filepath.Join(dir, "seal.key")
	if dir == "/etc/keyturn" {
		journal = "/var/lib/keyturn/journal.db"
	}
	var b strings.Builder
	fmt.Fprintf(&b, firstHead, account, region, journal, seal, seal, filepath.Join(dir, "CHANGE-ME", "${robot}"))
	robots := 0
	for _, u := range users {
		if why := notARobot(u); why != "" {
			fmt.Fprintf(&b, "\n  # %s: %s\n", u.Name, why)
			continue
		}
		robots++
		fmt.Fprintf(&b, "\n  # %s\n  %q:\n    sinks: [somewhere]\n", keyFacts(u.keys), u.Name)
	}
	if robots == 0 {
		b.WriteString("  {}\n")
	}
	return b.String(), robots
}

const firstHead = `# keyturn's configuration, a first one from the IAM users of account %s that have access keys.
# Every key and its meaning: docs/config.md. Every kind of sink: keyturn sinks.
#
# Before the first rotation: say under sinks where each key is served, make the seal key, and run keyturn check.

aws:
  region: %s  # of STS, and of the sinks that name none

# What happened, and what is pending. One file, which commands and timers share.
journal: { path: %q }

# Encrypts a new secret until it is served everywhere. Make it with: keyturn seal keygen %s
seal: { key: { file: %q } }

defaults:
  grace: 1h       # the old key stays active that long after every sink serves the new one
  soak: 24h       # and inactive that long, so that keyturn restore can bring it back
  max_age: 90d    # a rotation is owed when a key is older; 0: only by schedule, or with rotate --now

sinks:
  # The folder does not exist, so check and rotate refuse until you name the real place: vault, file, secretsmanager, ssm, exec.
  somewhere: { file: { path: %q } }

# Only what is listed here is ever touched. Remove whoever is not a machine.
robots:
`

// notARobot says why a user is only mentioned.
func notARobot(u candidate) string {
	switch {
	case u.self:
		return "keyturn itself signs with its key"
	case !u.PasswordUsed.IsZero():
		return "signs in at the console (last " + u.PasswordUsed.UTC().Format(time.DateOnly) + "), so probably a person"
	}
	return ""
}

func keyFacts(keys []rotator.Key) string {
	var s []string
	for _, k := range keys {
		s = append(s, fmt.Sprintf("%s, %s, made %s", k.ID, strings.ToLower(string(k.Status)), k.CreatedAt.UTC().Format(time.DateOnly)))
	}
	return strings.Join(s, "; ")
}

// writeNew writes a file that must not exist.
func writeNew(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usagef("%s: is there already; move it away, or name another with --config", file)
	}
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(file)
		return fmt.Errorf("init: write %s: %w", file, err)
	}
	return nil
}
