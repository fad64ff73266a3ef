package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"keyturn/sinks"
)

// sink serves a pair in one file.
type sink struct {
	path     string // absolute
	relative bool   // in the configuration
	mode     fs.FileMode
	format   format
	syncDir  func(path string) error
}

// Push replaces the file under the lock beside it, and only if its bytes or its mode
// change. What it says is written is on disk.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	if err := s.push(ctx, cred); err != nil {
		return sinks.Receipt{}, s.fail("write", err)
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return sinks.Receipt{}, s.fail("write", err)
	}
	return sinks.Receipt{At: info.ModTime()}, nil
}

func (s *sink) push(ctx context.Context, cred sinks.Credential) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	p, err := pairOf(cred)
	if err != nil {
		return refusal("%v", err)
	}
	path, err := target(s.path)
	if err != nil {
		return err
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	if err := sweep(path); err != nil {
		return err
	}
	old, err := load(path)
	if err != nil {
		return err
	}
	defer clear(old.text)
	if h, err := s.format.read(old.text); err == nil && h.serves(p) && old.info.Mode().Perm() == s.mode {
		return s.settle(path)
	}
	next, err := edited(s.format, old.text, p)
	if err != nil {
		return refusal("%v", err)
	}
	defer clear(next)
	return s.replace(ctx, path, old, next)
}

// Check says whether a Push would be accepted: it makes the edit, and does not write it.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	warnings, err := s.check(ctx)
	if err != nil {
		return nil, s.fail("check", err)
	}
	return warnings, nil
}

func (s *sink) check(ctx context.Context) ([]sinks.Warning, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	path, err := target(s.path)
	if err != nil {
		return nil, err
	}
	if err := writable(path); err != nil {
		return nil, err
	}
	old, err := load(path)
	if err != nil {
		return nil, err
	}
	defer clear(old.text)
	if err := ownable(old); err != nil {
		return nil, err
	}
	next, err := edited(s.format, old.text, sample())
	if err != nil {
		return nil, refusal("%v", err)
	}
	clear(next)
	return s.warnings(path, old)
}

// Verify reads the file again and compares.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	h, err := s.held(ctx)
	if err != nil {
		return sinks.None, s.fail("verify", err)
	}
	stale := func(what string) (sinks.Evidence, error) {
		return sinks.None, sinks.Errorf(sinks.Stale, s.op("verify"), "%s", what)
	}
	switch {
	case h.id == "":
		return stale("no pair is there")
	case h.id != string(cred.KeyID):
		return stale("another key is there")
	case !h.secret.Equal(cred.Secret):
		return stale("the key has another secret")
	case h.session:
		return stale("a session token makes the pair useless")
	}
	return sinks.Exact, nil
}

// Serving is the id of the key in the file; "" if it holds none, or is not there.
func (s *sink) Serving(ctx context.Context) (sinks.KeyID, error) {
	h, err := s.held(ctx)
	if err != nil {
		return "", s.fail("read", err)
	}
	id := strings.Trim(h.id, `"'`) // some readers take them off
	if id != "" && !servedShape.MatchString(id) {
		return "", s.fail("read", refusal("what stands for the access key id is none"))
	}
	return sinks.KeyID(id), nil
}

// held is what the file serves now.
func (s *sink) held(ctx context.Context) (held, error) {
	if err := context.Cause(ctx); err != nil {
		return held{}, err
	}
	path, err := target(s.path)
	if err != nil {
		return held{}, err
	}
	now, err := load(path)
	if err != nil {
		return held{}, err
	}
	defer clear(now.text)
	h, err := s.format.read(now.text)
	if err != nil {
		return held{}, refusal("%v", err)
	}
	return h, nil
}

// warnings are what an operator should know before the first push.
func (s *sink) warnings(path string, old snapshot) (w []sinks.Warning, err error) {
	warn := func(format string, args ...any) { w = append(w, sinks.Warning(fmt.Sprintf(format, args...))) }
	dir := filepath.Dir(path)
	parent, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	names, err := leftovers(path)
	if err != nil {
		return nil, err
	}
	owner := (snapshot{info: parent}).stat()
	if s.relative {
		warn("the path is relative: it is taken from the working directory, %s", s.path)
	}
	switch {
	case old.info == nil && int(owner.Uid) != os.Geteuid():
		warn("%s does not exist yet and will belong to user %d, the folder belongs to user %d", path, os.Geteuid(), owner.Uid)
	case old.info != nil && old.info.Mode().Perm()&^s.mode != 0:
		warn("%s has mode %04o: the next push makes it %04o", path, old.info.Mode().Perm(), s.mode)
	}
	if parent.Mode().Perm()&0o022 != 0 && parent.Mode()&fs.ModeSticky == 0 {
		warn("the folder %s can be written by others, who can replace the file", dir)
	}
	if len(names) > 0 {
		warn("%d temporary files of an interrupted push lie beside %s: the next push removes them", len(names), path)
	}
	return w, nil
}

// fail gives err its class.
func (s *sink) fail(verb string, err error) error {
	class := classOf(err)
	if errors.Is(err, errChanged) {
		class = sinks.Conflict
	}
	var path *fs.PathError
	if errors.As(err, &path) && (path.Path == s.path) {
		err = path.Err // the operation names the file already
	}
	return &sinks.Error{Class: class, Op: s.op(verb), Err: err}
}

func (s *sink) op(verb string) string { return "file: " + verb + " " + s.path }
