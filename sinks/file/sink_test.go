package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

const oldFile = "[ci]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old/secret\n"

// at opens the sink for profile ci of path.
func at(t *testing.T, path string, change func(*Config)) *sink {
	t.Helper()
	cfg := Spec.New().(*Config)
	cfg.Path, cfg.Profile = path, "ci"
	if change != nil {
		change(cfg)
	}
	must(t, cfg.Validate())
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	must(t, err)
	return s.(*sink)
}

func mustPush(t *testing.T, s *sink, p sinktest.Pair) {
	t.Helper()
	r, err := s.Push(t.Context(), p.Credential())
	must(t, err)
	if e, err := s.Verify(t.Context(), p.Credential(), "", r); e != sinks.Exact || err != nil {
		t.Fatalf("verify: %v, %v", e, err)
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestALinkStaysAndItsTargetIsReplaced(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real", "file")
	must(t, os.MkdirAll(filepath.Dir(real), 0o700))
	must(t, os.Mkdir(filepath.Join(dir, "a"), 0o700))
	mustWrite(t, real, oldFile)
	must(t, os.Symlink("../real/file", filepath.Join(dir, "a", "second")))
	must(t, os.Symlink("second", filepath.Join(dir, "a", "first")))
	p := sinktest.NewPair()
	mustPush(t, at(t, filepath.Join(dir, "a", "first"), nil), p)
	if to, err := os.Readlink(filepath.Join(dir, "a", "first")); to != "second" || err != nil {
		t.Errorf("the link was replaced: %q, %v", to, err)
	}
	if !strings.Contains(mustRead(t, real), p.ID) {
		t.Errorf("the target was not replaced")
	}
	if got := names(t, filepath.Join(dir, "a")); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("beside the links lie %q", got)
	}
}

func TestALinkToNothingMakesItsTarget(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink("later", filepath.Join(dir, "link")))
	mustPush(t, at(t, filepath.Join(dir, "link"), nil), sinktest.NewPair())
	if got := names(t, dir); !slices.Equal(got, []string{".later.keyturn.lock", "later", "link"}) {
		t.Errorf("the folder holds %q", got)
	}
}

func TestTheModeIsExactlyWhatReadersSay(t *testing.T) {
	for name, c := range map[string]struct {
		before  os.FileMode // 0: no file
		readers string
		want    os.FileMode
		warning string
	}{
		"a new file":                       {0, "owner", 0o600, ""},
		"a new file for a group":           {0, "group", 0o640, ""},
		"a file that is narrow already":    {0o600, "owner", 0o600, ""},
		"a file that is wider":             {0o644, "owner", 0o600, "PATH has mode 0644: the next push makes it 0600"},
		"a file that is wider for a group": {0o664, "group", 0o640, "PATH has mode 0664: the next push makes it 0640"},
		"a file that its group may read":   {0o640, "group", 0o640, ""},
		"a file that nobody may write":     {0o400, "owner", 0o600, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if c.before != 0 {
				mustWrite(t, path, oldFile)
				must(t, os.Chmod(path, c.before))
			}
			s := at(t, path, func(cfg *Config) { cfg.Readers = c.readers })
			w, err := s.Check(t.Context())
			must(t, err)
			got := strings.ReplaceAll(fmt.Sprint(w), path, "PATH")
			if got != fmt.Sprint(warningsOf(c.warning)) {
				t.Errorf("check warns %s, want %q", got, c.warning)
			}
			p := sinktest.NewPair()
			mustPush(t, s, p)
			must(t, os.Chmod(path, 0o666)) // and again, when only the mode is wrong
			mustPush(t, s, p)
			info, err := os.Stat(path)
			must(t, err)
			if info.Mode().Perm() != c.want {
				t.Errorf("mode %04o, want %04o", info.Mode().Perm(), c.want)
			}
		})
	}
}

func warningsOf(text string) (w []sinks.Warning) {
	if text != "" {
		w = append(w, sinks.Warning(text))
	}
	return w
}

func TestCheckWarns(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777))
	t.Chdir(dir)
	mustWrite(t, "file", oldFile)
	mustWrite(t, ".file.keyturn-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp", "x")
	w, err := at(t, "file", nil).Check(t.Context())
	must(t, err)
	want := []sinks.Warning{
		sinks.Warning("the path is relative: it is taken from the working directory, " + dir + "/file"),
		sinks.Warning("the folder " + dir + " can be written by others, who can replace the file"),
		sinks.Warning("1 temporary files of an interrupted push lie beside " + dir + "/file: the next push removes them"),
	}
	if !slices.Equal(w, want) {
		t.Errorf("got  %q\nwant %q", w, want)
	}
}

func TestTheLeftoversOfAKilledPushAreRemoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	mustWrite(t, path, oldFile)
	for _, name := range []string{
		".file.keyturn-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp", ".file.keyturn-234567ABCDEFGHIJKLMNOPQRST.tmp", // ours
		".file.keyturn-short.tmp", ".file.keyturn-x.keyturn-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp", "other", // not ours
	} {
		mustWrite(t, filepath.Join(dir, name), "secret")
	}
	must(t, os.Mkdir(filepath.Join(dir, ".file.keyturn-AAAAAAAAAAAAAAAAAAAAAAAAAA.tmp"), 0o700))
	mustPush(t, at(t, path, nil), sinktest.NewPair())
	want := []string{
		".file.keyturn-AAAAAAAAAAAAAAAAAAAAAAAAAA.tmp", ".file.keyturn-short.tmp",
		".file.keyturn-x.keyturn-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp", ".file.keyturn.lock", "file", "other",
	}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder holds %q\nwant %q", got, want)
	}
}

func TestAFailedReplaceLeavesNothingBehind(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(t *testing.T, path string)
		ctx    func(context.Context) context.Context
		want   string
	}{
		"the target became a folder": {
			breaks: func(t *testing.T, path string) { must(t, os.MkdirAll(filepath.Join(path, "x"), 0o700)) },
			want:   "somebody else changed the file meanwhile",
		},
		"somebody made the file meanwhile": {
			breaks: func(t *testing.T, path string) { mustWrite(t, path, oldFile) },
			want:   "somebody else changed the file meanwhile",
		},
		"the call is over": {
			breaks: func(*testing.T, string) {},
			ctx: func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancelCause(ctx)
				cancel(errors.New("enough"))
				return ctx
			},
			want: "enough",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			s := at(t, path, nil)
			old, err := load(path)
			must(t, err)
			c.breaks(t, path)
			before := names(t, dir)
			ctx := t.Context()
			if c.ctx != nil {
				ctx = c.ctx(ctx)
			}
			if err := s.replace(ctx, path, old, []byte("verysecret")); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if got := names(t, dir); !slices.Equal(got, before) {
				t.Errorf("the folder holds %q, held %q", got, before)
			}
		})
	}
}

func TestErrorsHaveAClassAndNoContent(t *testing.T) {
	const token = "SECRETSECRETSECRET"
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, path string) { mustWrite(t, path, text) }
	}
	for name, c := range map[string]struct {
		make   func(t *testing.T, path string)
		change func(*Config)
		class  sinks.Class
		want   string // of Check and, with another operation, of Push
	}{
		"no folder": {
			make:  func(t *testing.T, path string) { must(t, os.Remove(filepath.Dir(path))) },
			class: sinks.Missing, want: "lstat DIR: no such file or directory",
		},
		"a file in place of the folder": {
			make: func(t *testing.T, path string) {
				must(t, os.Remove(filepath.Dir(path)))
				mustWrite(t, filepath.Dir(path), "x")
			},
			class: sinks.Missing, want: "not a directory",
		},
		"a folder in place of the file": {
			make:  func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) },
			class: sinks.Refused, want: "is not a regular file",
		},
		"a pipe": {
			make:  func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) },
			class: sinks.Refused, want: "is not a regular file",
		},
		"a link to itself": {
			make:  func(t *testing.T, path string) { must(t, os.Symlink(path, path)) },
			class: sinks.Refused, want: "too many levels of symbolic links",
		},
		"a hard link": {
			make: func(t *testing.T, path string) {
				mustWrite(t, path, oldFile)
				must(t, os.Link(path, path+"2"))
			},
			class: sinks.Refused, want: "has 2 names (hard links): the others would keep the old pair",
		},
		"a huge file": {
			make:  func(t *testing.T, path string) { mustWrite(t, path, ""); must(t, os.Truncate(path, 5<<20)) },
			class: sinks.Refused, want: "is larger than 4194304 bytes",
		},
		"two pairs": {
			make:  write("[ci]\naws_secret_access_key=" + token + "\naws_secret_access_key=" + token + "\n"),
			class: sinks.Refused, want: "line 3: aws_secret_access_key is set a second time; it is set in line 2 already",
		},
		"broken JSON": {
			make:   write(`{"x": "` + token),
			change: func(c *Config) { c.Format, c.Profile = formatJSON, "" },
			class:  sinks.Refused, want: "is not valid JSON from byte 25 on",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dir")
			must(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "file")
			s := at(t, path, c.change)
			c.make(t, path)
			before, _ := load(path)
			p := sinktest.NewPair()
			_, checked := s.Check(t.Context())
			_, pushed := s.Push(t.Context(), p.Credential())
			for op, err := range map[string]error{"check": checked, "write": pushed} {
				want := "file: " + op + " " + path + ": " + strings.ReplaceAll(c.want, "DIR", dir)
				if err == nil || err.Error() != want || sinks.ClassOf(err) != c.class {
					t.Errorf("%s: got  %v (%s)\nwant %s (%s)", op, err, sinks.ClassOf(err), want, c.class)
				}
			}
			if _, err := s.Serving(t.Context()); err == nil {
				t.Errorf("serving succeeded")
			}
			if after, _ := load(path); string(after.text) != string(before.text) {
				t.Errorf("the file was changed")
			}
		})
	}
}

func TestOddPairsAreRefused(t *testing.T) {
	s := at(t, filepath.Join(t.TempDir(), "file"), nil)
	for name, p := range map[string]sinktest.Pair{
		"a line end in the secret": {ID: "AKIA", Secret: "a\nb"},
		"a blank in the secret":    {ID: "AKIA", Secret: "a b"},
		"a quote in the secret":    {ID: "AKIA", Secret: `a"b`},
		"a line end in the id":     {ID: "AKIA\n", Secret: "ab"},
		"no secret":                {ID: "AKIA"},
		"no id":                    {Secret: "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			want := "file: write " + s.path + ": the pair holds characters that AWS keys do not have"
			if _, err := s.Push(t.Context(), p.Credential()); err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestVerifySaysWhatIsThere(t *testing.T) {
	p := sinktest.Pair{ID: "AKIANEW", Secret: "new/+secret"}
	for name, c := range map[string]struct{ text, want string }{
		"no file":         {"", "no pair is there"},
		"no profile":      {"[x]\naws_access_key_id = AKIANEW\n", "no pair is there"},
		"another key":     {oldFile, "another key is there"},
		"another secret":  {"[ci]\naws_access_key_id=AKIANEW\naws_secret_access_key=old/secret\n", "the key has another secret"},
		"half a pair":     {"[ci]\naws_access_key_id=AKIANEW\n", "the key has another secret"},
		"a session token": {"[ci]\naws_access_key_id=AKIANEW\naws_secret_access_key=new/+secret\naws_session_token=t\n", "a session token makes the pair useless"},
		"an older token":  {"[ci]\naws_access_key_id=AKIANEW\naws_secret_access_key=new/+secret\naws_security_token=t\n", "a session token makes the pair useless"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if c.text != "" {
				mustWrite(t, path, c.text)
			}
			s := at(t, path, nil)
			e, err := s.Verify(t.Context(), p.Credential(), "AKIAOLD", sinks.Receipt{})
			if want := "file: verify " + path + ": " + c.want; err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Stale || e != sinks.None {
				t.Errorf("got %v, %v, want %s", e, err, want)
			}
		})
	}
}

// What stands where an id should be may be a secret: it is not passed on.
func TestServingTellsIdsOnly(t *testing.T) {
	for name, c := range map[string]struct{ text, want, err string }{
		"an id":            {oldFile, "AKIAOLD", ""},
		"an id in quotes":  {"[ci]\naws_access_key_id = \"AKIAOLD\"\n", "AKIAOLD", ""},
		"nothing":          {"[x]\n", "", ""},
		"a swapped secret": {"[ci]\naws_access_key_id = wJalrXUtnFEMI\n", "", "what stands for the access key id is none"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			mustWrite(t, path, c.text)
			id, err := at(t, path, nil).Serving(t.Context())
			text := ""
			if err != nil {
				text = strings.TrimPrefix(err.Error(), "file: read "+path+": ")
			}
			if string(id) != c.want || text != c.err {
				t.Errorf("got %q, %q, want %q, %q", id, text, c.want, c.err)
			}
		})
	}
}

func TestThePairIsServedIsNotWrittenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	s := at(t, path, nil)
	p := sinktest.NewPair()
	mustPush(t, s, p)
	first, err := os.Stat(path)
	must(t, err)
	mustPush(t, s, p)
	if again, err := os.Stat(path); err != nil || !os.SameFile(first, again) {
		t.Errorf("the file was replaced though it served the pair: %v", err)
	}
}

func TestAPushWaitsForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	s := at(t, path, nil)
	unlock, err := lock(t.Context(), path)
	must(t, err)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Millisecond, errors.New("too late"))
	defer cancel()
	want := "file: write " + path + ": another push holds the lock .file.keyturn.lock: too late"
	if _, err := s.Push(ctx, sinktest.NewPair().Credential()); err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Temporary {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	unlock()
	mustPush(t, s, sinktest.NewPair())
}

func TestProfilesOfOneFileArePushedSideBySide(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	pairs := map[string]sinktest.Pair{}
	for i := range 8 {
		pairs[fmt.Sprintf("robot%d", i)] = sinktest.NewPair()
	}
	var wg sync.WaitGroup
	for profile, p := range pairs {
		s := at(t, path, func(c *Config) { c.Profile = profile })
		wg.Go(func() {
			if _, err := s.Push(t.Context(), p.Credential()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for profile, p := range pairs {
		if c := readProfile(t, path, profile).Credentials; c.AccessKeyID != p.ID || c.SecretAccessKey != p.Secret {
			t.Errorf("profile %s serves %q, want %q", profile, c.AccessKeyID, p.ID)
		}
	}
}

func TestAMountPointIsSeen(t *testing.T) {
	if isMountPoint(t.TempDir()) {
		t.Error("a temporary folder is no mount point")
	}
	if !isMountPoint("/proc") {
		t.Error("/proc is a mount point")
	}
}
