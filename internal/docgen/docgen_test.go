package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPagesAreUpToDate: docs/commands.md is looked at where the commands are.
func TestPagesAreUpToDate(t *testing.T) {
	root := testRoot(t)
	want, err := pages(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run go run ./internal/docgen", err)
			continue
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("%s is out of date: run go run ./internal/docgen\n%s", name, diff)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "docs/sinks/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := "docs/sinks/" + filepath.Base(f); want[name] == "" {
			t.Errorf("%s: there is no such kind of sink", name)
		}
	}
}

// TestPagesNameWhatTheCodeNames: a code without a word about it is a question that nobody answers.
func TestPagesNameWhatTheCodeNames(t *testing.T) {
	root := testRoot(t)
	for name, tc := range map[string]struct {
		code, page string
		find       *regexp.Regexp
		as         string
	}{
		"every hold has a section in the runbook": {"rotator/hold.go", "docs/runbook.md", regexp.MustCompile(`HoldCode = "(\w+)"`), "### %\n"},
		"every event stands in the formats":       {"rotator/event.go", "docs/formats.md", regexp.MustCompile(`Type\(\) string +\{ return "(\w+)" \}`), "| `%` |"},
	} {
		t.Run(name, func(t *testing.T) {
			code, page := read(t, root, tc.code), read(t, root, tc.page)
			found := tc.find.FindAllStringSubmatch(code, -1)
			if len(found) < 10 {
				t.Fatalf("%s: %d found: the test shows nothing", tc.code, len(found))
			}
			for _, m := range found {
				if want := strings.ReplaceAll(tc.as, "%", m[1]); !strings.Contains(page, want) {
					t.Errorf("%s does not have %q", tc.page, strings.TrimSpace(want))
				}
			}
		})
	}
}

// TestLinksLead says whether every relative link of the documentation leads to a file.
func TestLinksLead(t *testing.T) {
	root := testRoot(t)
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	pages := []string{"README.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			rel, _ := filepath.Rel(root, f)
			pages = append(pages, rel)
		}
	}
	for _, p := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, root, p), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", p, m[1])
			}
		}
	}
}

func testRoot(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
