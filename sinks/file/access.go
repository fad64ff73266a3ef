package file

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// writable says whether files can be made beside path, and the lock be taken, without
// doing either: access(2).
func writable(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &os.PathError{Op: "access", Path: dir, Err: syscall.ENOTDIR}
	}
	if err := access(dir, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		return err
	}
	return ignore(access(lockPath(path), unix.R_OK|unix.W_OK), unix.ENOENT)
}

func access(path string, mode uint32) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "access", Path: path, Err: err}
	}
	return nil
}

// ownable says whether a new file can be given the owner and group of the old one.
func ownable(old snapshot) error {
	was := old.stat()
	if was == nil || os.Geteuid() == 0 {
		return nil
	}
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	if int(was.Uid) != os.Geteuid() || int(was.Gid) != os.Getegid() && !slices.Contains(groups, int(was.Gid)) {
		return fmt.Errorf("keep owner %d and group %d: %w", was.Uid, was.Gid, syscall.EPERM)
	}
	return nil
}
