package file

import "golang.org/x/sys/unix"

// isMountPoint says whether a file system is mounted at path itself, as containers do with
// single files. Such a file cannot be replaced by rename (statx(2), STATX_ATTR_MOUNT_ROOT).
func isMountPoint(path string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, 0, &st)
	return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}
