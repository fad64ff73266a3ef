package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table cannot rot: every mistake can still be planted, in exactly one place.
func TestEveryMutantApplies(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range all() {
		t.Run(m.name, func(t *testing.T) {
			if seen[m.name] {
				t.Error("the name is there twice")
			}
			seen[m.name] = true
			if !strings.HasSuffix(m.why, ".") {
				t.Error("say why it matters, in a sentence")
			}
			content, err := os.ReadFile(filepath.Join("..", "..", m.file))
			if err != nil {
				t.Fatal(err)
			}
			changed, err := m.apply(string(content))
			if err != nil {
				t.Fatal(err)
			}
			if changed == string(content) {
				t.Error("it changes nothing")
			}
			if _, err := parser.ParseFile(token.NewFileSet(), m.file, changed, parser.SkipObjectResolution); err != nil {
				t.Errorf("it is not Go: %v", err)
			}
		})
	}
}

// docs/safety.md says how many there are.
func TestTheNumbersInTheDocumentationAreRight(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "safety.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("plants %d known mistakes", len(all())); !strings.Contains(string(page), want) {
		t.Errorf("docs/safety.md does not say %q", want)
	}
	for file, group := range map[string][]mutant{
		"retiring.go": retiring, "issuing.go": issuing, "serving.go": serving, "guarding.go": guarding,
		"fencing.go": fencing, "leaking.go": leaking, "storing.go": storing,
	} {
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\|.*`%s`.*\\| %d \\|$", regexp.QuoteMeta(file), len(group)))
		if !row.Match(page) {
			t.Errorf("docs/safety.md does not say that %s has %d", file, len(group))
		}
	}
}

func TestAMutantThatFitsNowhereOrTwiceIsRefused(t *testing.T) {
	m := mutant{file: "x.go", old: "a", new: "b"}
	for content, want := range map[string]string{
		"":   "x.go has 0 times what is to be changed, not once: bring the table up to date",
		"aa": "x.go has 2 times what is to be changed, not once: bring the table up to date",
	} {
		if _, err := m.apply(content); err == nil || err.Error() != want {
			t.Errorf("%q: %v", content, err)
		}
	}
}
