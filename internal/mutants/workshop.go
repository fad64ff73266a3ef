package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// workshop is a copy of the part of the module that the tests need.
type workshop struct {
	dir string
}

// open copies the packages of the mutants and what they and their tests import.
func open(ctx context.Context, mutants []mutant) (*workshop, error) {
	root, err := output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	root = strings.TrimSpace(root)
	const ours = "{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}"
	list, err := output(ctx, root, "go", append([]string{"list", "-deps", "-test", "-f", ours}, packages(mutants)...)...)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "keyturn-mutants-")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir}
	err = errors.Join(copyFile(root, dir, "go.mod"), copyFile(root, dir, "go.sum"))
	for _, pkg := range strings.Fields(list) { // a package can be in it twice
		err = errors.Join(err, copyPackage(root, dir, pkg))
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *workshop) close() error { return os.RemoveAll(w.dir) }

// try plants a mistake, lets the tests look for it, and takes it out again.
func (w *workshop) try(ctx context.Context, m mutant) (result, error) {
	path := filepath.Join(w.dir, m.file)
	content, err := os.ReadFile(path)
	if err != nil {
		return result{}, err
	}
	changed, err := m.apply(string(content))
	if err != nil {
		return result{}, err
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		return result{}, err
	}
	if _, err := output(ctx, w.dir, "go", "build", m.pkg()); err != nil {
		return result{}, fmt.Errorf("it does not compile: %w", err)
	}
	r := w.test(ctx, m.pkg())
	if ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	return r, os.WriteFile(path, content, 0o600)
}

// test runs the tests until the first one fails. The searches get a small budget, and a seed that is the same each time.
func (w *workshop) test(ctx context.Context, packages ...string) result {
	args := append([]string{"test", "-failfast", "-count", "1", "-vet", "off", "-timeout", "120s"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "KEYTURN_WORLD=1s", "KEYTURN_WORLD_SEED=1")
	out, err := cmd.CombinedOutput()
	return judge(string(out), err)
}

func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.String())
	}
	return string(out), nil
}

// copyPackage copies a package's files, and its testdata.
func copyPackage(root, to, pkg string) error {
	return filepath.WalkDir(pkg, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(pkg, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && inside != "." && !strings.HasPrefix(inside, "testdata"):
			return filepath.SkipDir
		case d.Type().IsRegular():
			return copyFile(root, to, rel)
		}
		return nil
	})
}

func copyFile(root, to, rel string) error {
	content, err := os.ReadFile(filepath.Join(root, rel))
	if err != nil {
		return err
	}
	target := filepath.Join(to, rel)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o600)
}
