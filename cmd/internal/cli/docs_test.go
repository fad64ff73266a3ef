package cli

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCommandsPage says that docs/commands.md is what the commands are.
func TestCommandsPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(page), reference(Root())); diff != "" {
		t.Errorf("docs/commands.md is out of date: run go run ./internal/docgen\n%s", diff)
	}
}
