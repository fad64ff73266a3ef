package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"keyturn/sinks"
)

const (
	maxSize  = 4 << 20 // of the file; larger ones are refused
	maxLinks = 40      // as the kernel has it
)

// target is where path leads: links are followed also if the last one leads to nothing yet.
func target(path string) (string, error) {
	for range maxLinks {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, filepath.Base(path))
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(dir, to)
		}
		path = to
	}
	return "", syscall.ELOOP
}

// snapshot is the file as it was read.
type snapshot struct {
	text []byte
	info os.FileInfo // nil if there is no file
}

// stat is the owner, the number of names and the like.
func (s snapshot) stat() *syscall.Stat_t {
	if s.info == nil {
		return nil
	}
	st, _ := s.info.Sys().(*syscall.Stat_t)
	return st
}

// load reads the file at path, which is no link, if it is one that can be replaced.
func load(path string) (snapshot, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return snapshot{}, nil
	case err != nil:
		return snapshot{}, err
	case !info.Mode().IsRegular(): // opening a device or a pipe can have effects
		return snapshot{}, refusal("is not a regular file")
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return snapshot{}, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return snapshot{}, err
	}
	s := snapshot{info: info}
	switch st := s.stat(); {
	case !info.Mode().IsRegular():
		return snapshot{}, refusal("is not a regular file")
	case st != nil && st.Nlink > 1:
		return snapshot{}, refusal("has %d names (hard links): the others would keep the old pair", st.Nlink)
	case isMountPoint(path):
		return snapshot{}, refusal("is a mount point of its own and cannot be replaced: mount its folder instead")
	}
	s.text, err = io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(s.text) > maxSize {
		err = refusal("is larger than %d bytes", maxSize)
	}
	return s, err
}

// unchanged says whether the file at path is still the one that was read.
func (s snapshot) unchanged(path string) bool {
	now, err := os.Lstat(path)
	if s.info == nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return err == nil && os.SameFile(s.info, now) && s.info.Size() == now.Size() && s.info.ModTime().Equal(now.ModTime())
}

// refused is a reason in the file itself.
type refused struct{ msg string }

func (r refused) Error() string { return r.msg }

func refusal(format string, args ...any) error { return refused{fmt.Sprintf(format, args...)} }

// classOf says what an error of the file system means.
func classOf(err error) sinks.Class {
	var r refused
	switch {
	case errors.As(err, &r), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENAMETOOLONG),
		errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.EBUSY):
		return sinks.Refused
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return sinks.Missing
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return sinks.Denied
	}
	return sinks.Temporary
}
