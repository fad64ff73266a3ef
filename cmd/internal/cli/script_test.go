package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"keyturn/internal/standin"
	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// TestMain lets the scripts run this test binary as keyturn.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keyturn": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}})
}

// TestScripts runs each script in testdata/script against an AWS of its own, in which keyturn has a user. Scripts know,
// besides testscript's own commands:
//
//	run CODE ARG...              runs keyturn and asks for its exit code
//	iam user NAME                makes a user
//	iam key VAR NAME AGE         makes a key and puts its id into the environment
//	iam used VAR                 signs a request with it
//	iam is VAR STATUS            asks for Active, Inactive or gone
//	iam keys NAME N              asks for the number of a user's keys
//	iam calls OP N               asks how often an action was called; OP "any" is all of them
//	iam fault OP FAULT           lets every call of an action fail; FAULT none ends it
//	iam on OP rename OLD NEW     renames a file at the next call of an action, before it is answered
//	iam on OP interrupt          sends SIGTERM to keyturn at the next call of an action
//	iam account N                another account answers from now on
//	serves FILE VAR              asks for a pair that AWS knows in a file, and puts its id into the environment
//	normal FILE                  prints a file or stdout, with ids and times replaced by names
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "", // rewrites what cmp compares with
		Setup: func(env *testscript.Env) error {
			w := &world{iam: rotatortest.NewIAM("111122223333"), faults: map[string]rotatortest.Fault{}, hooks: map[string]func(){}}
			w.iam.Fault = w.fault
			w.iam.AddUser("keyturn", "")
			k, s, err := w.iam.AddKey("keyturn", time.Hour)
			if err != nil {
				return err
			}
			if w.server, err = standin.Start(w.iam); err != nil {
				return err
			}
			env.Defer(func() { _ = w.server.Close() })
			env.Values["world"] = w
			env.Setenv("AWS_ENDPOINT_URL", w.server.URL)
			env.Setenv("AWS_ACCESS_KEY_ID", string(k.ID))
			env.Setenv("AWS_SECRET_ACCESS_KEY", s.Reveal())
			env.Setenv("AWS_CONFIG_FILE", os.DevNull)
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_REGION", "us-east-1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":    runKeyturn,
			"iam":    func(ts *testscript.TestScript, _ bool, args []string) { worldOf(ts).command(ts, args) },
			"serves": serves,
			"normal": normal,
		},
	})
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value("world").(*world) }

// runKeyturn starts keyturn itself, so that it can be interrupted.
func runKeyturn(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: run CODE ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := lookIn(ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_REGION", "KEYTURN_CONFIG", "KEYTURN_SERVER", "KEYTURN_TEST_TOKEN"} {
		if v := ts.Getenv(name); v != "" {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	w := worldOf(ts)
	ts.Check(cmd.Start())
	w.iam.Change(func() { w.process = cmd.Process })
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("keyturn: %v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("keyturn %s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// lookIn finds keyturn, which testscript puts into the script's PATH.
func lookIn(path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		p := filepath.Join(dir, "keyturn")
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

// world is the AWS of one script. What calls read is guarded by the model's lock.
type world struct {
	iam     *rotatortest.IAM
	server  *standin.Server
	faults  map[string]rotatortest.Fault
	hooks   map[string]func()
	process *os.Process
}

func (w *world) fault(c rotatortest.Call) rotatortest.Fault {
	var f rotatortest.Fault
	var hook func()
	w.iam.Change(func() {
		f, hook = w.faults[c.Op], w.hooks[c.Op]
		delete(w.hooks, c.Op)
	})
	if hook != nil {
		hook()
	}
	return f
}

func (w *world) command(ts *testscript.TestScript, args []string) {
	switch {
	case len(args) == 2 && args[0] == "user":
		w.iam.AddUser(args[1], "")
	case len(args) == 4 && args[0] == "key":
		age, err := time.ParseDuration(args[3])
		ts.Check(err)
		k, _, err := w.iam.AddKey(args[2], age)
		ts.Check(err)
		ts.Setenv(args[1], string(k.ID))
	case len(args) == 2 && args[0] == "used":
		id := rotator.KeyID(ts.Getenv(args[1]))
		s, _ := w.iam.Secret(id)
		ts.Check(w.iam.UseKey(id, s, "s3", "eu-west-1"))
	case len(args) == 3 && args[0] == "is":
		w.is(ts, args[1], args[2])
	case len(args) == 3 && args[0] == "keys":
		if got := strconv.Itoa(len(w.iam.Keys(args[1]))); got != args[2] {
			ts.Fatalf("%s has %s keys, want %s", args[1], got, args[2])
		}
	case len(args) == 3 && args[0] == "calls":
		n := w.iam.Count(args[1])
		if args[1] == "any" {
			n = len(w.iam.Log())
		}
		if strconv.Itoa(n) != args[2] {
			ts.Fatalf("%s was called %d times, want %s", args[1], n, args[2])
		}
	case len(args) == 3 && args[0] == "fault":
		f := rotatortest.Fault(strings.ReplaceAll(args[2], "-", " "))
		if args[2] == "none" {
			f = rotatortest.None
		}
		w.iam.Change(func() { w.faults[args[1]] = f })
	case len(args) >= 3 && args[0] == "on":
		w.on(ts, args[1], args[2:])
	default:
		ts.Fatalf("iam %s: unknown", strings.Join(args, " "))
	}
}

func (w *world) is(ts *testscript.TestScript, name, want string) {
	id := rotator.KeyID(ts.Getenv(name))
	got := "gone"
	for _, user := range []string{"ci-bot", "deploy-bot"} {
		i := slices.IndexFunc(w.iam.Keys(user), func(k rotator.Key) bool { return k.ID == id })
		if i >= 0 {
			got = string(w.iam.Keys(user)[i].Status)
		}
	}
	if got != want {
		ts.Fatalf("%s (%s) is %s, want %s", name, id, got, want)
	}
}

func (w *world) on(ts *testscript.TestScript, op string, what []string) {
	var do func()
	switch {
	case len(what) == 3 && what[0] == "rename":
		old, fresh := ts.MkAbs(what[1]), ts.MkAbs(what[2])
		do = func() { _ = os.Rename(old, fresh) }
	case len(what) == 1 && what[0] == "interrupt":
		do = func() {
			var p *os.Process
			w.iam.Change(func() { p = w.process })
			_ = p.Signal(syscall.SIGTERM)
		}
	default:
		ts.Fatalf("iam on %s %s: unknown", op, strings.Join(what, " "))
	}
	w.iam.Change(func() { w.hooks[op] = do })
}

var pair = regexp.MustCompile(`(?si)aws_access_key_id"?\s*[=:]\s*"?(\w+).*aws_secret_access_key"?\s*[=:]\s*"?([\w/+]+)`)

func serves(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: serves FILE VAR")
	}
	m := pair.FindStringSubmatch(ts.ReadFile(args[0]))
	if m == nil {
		ts.Fatalf("%s: no pair", args[0])
	}
	s, ok := worldOf(ts).iam.Secret(rotator.KeyID(m[1]))
	if !ok || !s.EqualString(m[2]) {
		ts.Fatalf("%s: %s is not a pair of AWS", args[0], m[1])
	}
	if was := ts.Getenv(args[1]); was != "" && was != m[1] {
		ts.Fatalf("%s serves %s, want %s", args[0], m[1], was)
	}
	ts.Setenv(args[1], m[1])
}

var changing = []struct {
	name string
	re   *regexp.Regexp
}{
	{"KEY", regexp.MustCompile(`AKIA[A-Z2-7]{16}`)},
	{"ROTATION", regexp.MustCompile(`\b[0-9]{8}-[a-z2-7]{8}\b`)},
	{"TIME", regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z`)},
	{"USERID", regexp.MustCompile(`AIDA[A-Z2-7]{16}`)},
	{"JOURNAL", regexp.MustCompile(`\b[0-9a-f]{16}\b`)},
}

// normal gives keys and rotations numbers in the order of their appearance; times are all alike.
func normal(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: normal FILE")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	for _, c := range changing {
		seen := map[string]string{}
		text = c.re.ReplaceAllStringFunc(text, func(s string) string {
			if c.name == "TIME" {
				return c.name
			}
			if seen[s] == "" {
				seen[s] = fmt.Sprintf("%s%d", c.name, len(seen)+1)
			}
			return seen[s]
		})
	}
	_, err := fmt.Fprint(ts.Stdout(), text)
	ts.Check(err)
}
