//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"keyturn/internal/e2e/servers"
)

// Where the servers' files and the binary under test are.
var vaultFiles, motoFiles, binary string

// TestMain skips everything when a server is missing, and says so, unless KEYTURN_E2E=required.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var errVault, errMoto error
	vaultFiles, errVault = servers.Find("servers/vault")
	motoFiles, errMoto = servers.Find("servers/moto")
	if err := errors.Join(errVault, errMoto); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if os.Getenv("KEYTURN_E2E") == "required" {
			return 1
		}
		fmt.Fprintln(os.Stderr, "NO end-to-end test was run. Set KEYTURN_E2E=required to make that a failure.")
		return 0
	}
	dir, err := os.MkdirTemp("", "keyturn-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // somebody else may run it
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "keyturn")
	if out, err := exec.Command("go", "build", "-o", binary, "keyturn/cmd/keyturn").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build keyturn: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
