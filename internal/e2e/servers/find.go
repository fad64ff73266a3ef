package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Find is where the files of a server are. folder is the one here that has its where.sh and install.sh, as seen
// from the working directory. The error says how to get what is missing.
func Find(folder string) (string, error) {
	out, err := exec.Command("sh", filepath.Join(folder, "where.sh")).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(folder, "where.sh"), err)
	}
	dir := strings.TrimSpace(string(out))
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("%s is missing: `make e2e-servers` puts it into %s", filepath.Base(folder), dir)
	}
	return dir, nil
}
