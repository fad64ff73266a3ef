package demo

import (
	"errors"
	"os"
	"sync"
	"time"

	"keyturn/internal/secret"
	"keyturn/internal/standin"
	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// standIn is AWS for the story: one account with the robot's user and keyturn's own.
type standIn struct {
	iam      *rotatortest.IAM
	server   *standin.Server
	operator rotator.Key // keyturn's own
	secret   secret.Text

	mu      sync.Mutex
	process *os.Process // the command that is running
	onCall  func(rotatortest.Call)
}

func startAWS() (*standIn, error) {
	a := &standIn{iam: rotatortest.NewIAM(account)}
	a.iam.AddUser("keyturn", "")
	a.iam.AddUser(user, "/robots/")
	var err error
	if a.operator, a.secret, err = a.iam.AddKey("keyturn", time.Hour); err != nil {
		return nil, err
	}
	a.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
		a.mu.Lock()
		f := a.onCall
		a.mu.Unlock()
		if f != nil {
			f(c)
		}
		return rotatortest.None
	}
	a.server, err = standin.Start(a.iam)
	return a, err
}

func (a *standIn) close() { _ = a.server.Close() }

// env points the SDK at the stand-in, and at nothing else.
func (a *standIn) env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.server.URL, "AWS_ACCESS_KEY_ID=" + string(a.operator.ID), "AWS_SECRET_ACCESS_KEY=" + a.secret.Reveal(),
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
	}
}

// child is told which process may be killed; nil when it has ended.
func (a *standIn) child(p *os.Process) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.process = p
}

// at calls do once, at the first call of an action from now on, before AWS answers it. A second use replaces the first.
func (a *standIn) at(op string, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onCall = func(c rotatortest.Call) {
		if c.Op != op {
			return
		}
		a.mu.Lock()
		first := a.onCall != nil
		a.onCall = nil
		a.mu.Unlock()
		if first {
			do()
		}
	}
}

// killAt ends the running command with SIGKILL at the first call of an action.
func (a *standIn) killAt(op string) {
	a.at(op, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.process != nil {
			_ = a.process.Kill()
		}
	})
}

// accepts says whether AWS takes a request signed with the pair.
func (a *standIn) accepts(id rotator.KeyID, s string) error {
	return a.iam.UseKey(id, secret.FromString(s), "s3", "us-east-1")
}

// pair adds a key of some age to the user and returns both halves.
func (a *standIn) pair(age time.Duration) (rotator.KeyID, string, error) {
	k, s, err := a.iam.AddKey(user, age)
	return k.ID, s.Reveal(), err
}

// status is a key's as AWS shows it; "" if there is none.
func (a *standIn) status(id rotator.KeyID) rotator.KeyStatus {
	for _, k := range a.iam.Keys(user) {
		if k.ID == id {
			return k.Status
		}
	}
	return ""
}

var errNotServed = errors.New("no pair is served")
