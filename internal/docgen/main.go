// Docgen writes the parts of the documentation that the code knows best: the page of each kind of sink, the reference
// of the configuration and of the commands, and the table of sinks in the README. A test says whether they are up to date.
//
//	go run ./internal/docgen
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	pages, err := pages(root)
	if err != nil {
		return err
	}
	// The commands live where only cmd may import them, so they are asked.
	cmd := exec.Command("go", "run", "./cmd/keyturn", "docs")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	commands, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go run ./cmd/keyturn docs: %w", err)
	}
	pages["docs/commands.md"] = string(commands)
	for name, text := range pages {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// moduleRoot is the folder of go.mod, here or above.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod here or above")
		}
		dir = up
	}
}
