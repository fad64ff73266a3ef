package journal

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"keyturn/rotator"
)

// Owner is this process. It is empty if the journal was opened for reading only.
func (s *SQLite) Owner() rotator.Owner {
	if s.lock == nil {
		return rotator.Owner{}
	}
	return s.self
}

// Gone says that o's kernel lock is free, which can only be told on the machine where it was taken.
func (s *SQLite) Gone(o rotator.Owner) bool {
	switch {
	case o.ID == "" || o.ID == s.self.ID || strings.Trim(o.ID, "0123456789abcdef") != "":
		return false
	case s.self.Boot == "" || o.Boot != s.self.Boot || o.Host != s.self.Host:
		return false
	}
	return isFree(filepath.Join(s.ownersDir(), o.ID))
}

// isFree says that a lock file is not there, or that nobody holds its lock. A lock is taken before anything
// can name its owner, and its file is removed only by who holds the lock.
func isFree(path string) bool {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	defer f.Close()
	// Shared, so that two who ask at once do not see each other.
	return flock(f, syscall.LOCK_SH) == nil
}

func (s *SQLite) ownersDir() string { return s.path + ".owners" }

// thisProcess is the owner without an id.
func thisProcess() rotator.Owner {
	host, _ := os.Hostname()
	return rotator.Owner{Host: host, Boot: bootID(), PID: os.Getpid()}
}

// bootID is empty where the kernel does not tell one: then no owner is ever known to be gone.
func bootID() string {
	f, err := os.Open("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func newOwnerID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// ownerLock is the kernel's lock on a file named for the owner. The kernel gives it back when the process ends, however
// it ends.
type ownerLock struct {
	file *os.File
}

// lockOwner makes the owner's lock file, which tells who it is, and removes those that dead owners left.
func lockOwner(dir string, o rotator.Owner) (*ownerLock, error) {
	if err := makeOwnersDir(dir); err != nil {
		return nil, err
	}
	removeDead(dir, o)
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	// Someone who looks through the folder may hold or remove a file in the moment before it is locked.
	for range 100 {
		l, err := tryLock(filepath.Join(dir, o.ID), text)
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("%s: no lock can be taken here: the file system must support flock", dir)
}

func makeOwnersDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(ownedLikeDir(f), f.Close())
}

// tryLock returns neither lock nor error if somebody else got hold of the file first.
func tryLock(path string, text []byte) (*ownerLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if flock(f, syscall.LOCK_EX) != nil || !isAt(f, path) {
		return nil, f.Close()
	}
	if _, err := f.WriteAt(text, 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := ownedLikeDir(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &ownerLock{file: f}, nil
}

// release removes the file while the lock is held, so that a file without a lock is one that a crash left.
func (l *ownerLock) release() error {
	err := os.Remove(l.file.Name())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if cerr := l.file.Close(); cerr != nil && !errors.Is(cerr, os.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	return err
}

// removeDead tidies up. What it cannot judge, it leaves: a lock of another machine may look free from here.
func removeDead(dir string, me rotator.Owner) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		removeIfDead(filepath.Join(dir, e.Name()), me)
	}
}

func removeIfDead(path string, me rotator.Owner) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	var o rotator.Owner
	if json.NewDecoder(io.LimitReader(f, 4096)).Decode(&o) != nil || o.ID != filepath.Base(path) {
		return // not a lock file, or one that is just being made
	}
	if me.Boot == "" || o.Boot != me.Boot && o.Host != me.Host {
		return
	}
	if flock(f, syscall.LOCK_EX) == nil && isAt(f, path) {
		_ = os.Remove(path)
	}
}

// flock takes a lock without waiting. It belongs to the open file, not to the process.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// isAt says that f is still what path names.
func isAt(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
