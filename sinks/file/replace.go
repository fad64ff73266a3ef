package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// replace puts text where path is, in one step: a reader sees the old file or the new one.
// When it returns without an error the file and its name are on disk.
func (s *sink) replace(ctx context.Context, path string, old snapshot, text []byte) (err error) {
	f, err := createTemp(path)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		if err == nil {
			return
		}
		if stays := ignore(os.Remove(f.Name()), fs.ErrNotExist); stays != nil {
			err = fmt.Errorf("%w (and the temporary file stays: %w)", err, stays)
		}
	}()
	if err := keepOwner(f, old); err != nil {
		return err
	}
	if err := f.Chmod(s.mode); err != nil { // after the owner: a change of owner can drop bits
		return err
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if !old.unchanged(path) {
		return errChanged
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(path))
}

var errChanged = errors.New("somebody else changed the file meanwhile")

// tempEnd is how the names of temporary files end: a random text, which keeps those of a
// file with a similar name apart.
var tempEnd = regexp.MustCompile(`^[A-Z2-7]{26}\.tmp$`)

func createTemp(path string) (*os.File, error) {
	name := beside(path, "-"+rand.Text()+".tmp")
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
}

// keepOwner gives f the owner and the group of the file that it replaces.
func keepOwner(f *os.File, old snapshot) error {
	was := old.stat()
	if was == nil {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if is := (snapshot{info: info}).stat(); is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
		return fmt.Errorf("keep owner %d and group %d: %w", was.Uid, was.Gid, err)
	}
	return nil
}

// settle makes sure that a file which needs no change is on disk.
func (s *sink) settle(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return err
	}
	return s.syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// leftovers are the temporary files of pushes to path that did not end. Whoever holds the
// lock knows that nobody works on them.
func leftovers(path string) (names []string, err error) {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	prefix := filepath.Base(beside(path, "-"))
	ours := func(name string) bool {
		random, ok := strings.CutPrefix(name, prefix)
		return ok && tempEnd.MatchString(random)
	}
	for {
		entries, err := d.ReadDir(256)
		for _, e := range entries {
			if e.Type().IsRegular() && ours(e.Name()) {
				names = append(names, filepath.Join(d.Name(), e.Name()))
			}
		}
		if err != nil || len(entries) == 0 {
			return names, ignore(err, io.EOF)
		}
	}
}

// sweep removes leftovers: each may hold a secret.
func sweep(path string) error {
	names, err := leftovers(path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ignore(os.Remove(name), fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// ignore is err, unless it is the one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
