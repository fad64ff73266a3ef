//go:build e2e

package e2e

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

func TestTheDemoNeedsNothingButTheBinary(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "demo")
	cmd.Dir, cmd.Env = t.TempDir(), []string{"HOME=/nonexistent"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
