package varstest

import (
	"os"
	"path/filepath"

	"keyturn/internal/secret"
	"keyturn/sinks/sinktest"
)

// File puts a secret where the reference finds it.
func File(t sinktest.T, value string) secret.Ref {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	return secret.Ref{File: path}
}
