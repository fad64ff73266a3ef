package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// mutant is a mistake: in file, old becomes new. The tests of that file's package must catch it.
type mutant struct {
	name string // what goes wrong, as a statement
	file string // from the root of the module
	old  string // is there exactly once
	new  string
	why  string // what it would do to a user
}

// all is the table.
func all() []mutant {
	return slices.Concat(retiring, issuing, serving, guarding, fencing, leaking, storing)
}

// pkg is where the tests are that have to catch it.
func (m mutant) pkg() string { return "./" + path.Dir(m.file) }

// packages are those of all mutants, each once.
func packages(all []mutant) []string {
	var out []string
	for _, m := range all {
		out = append(out, m.pkg())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// apply plants the mistake in the content of the file.
func (m mutant) apply(content string) (string, error) {
	if n := strings.Count(content, m.old); n != 1 {
		return "", fmt.Errorf("%s has %d times what is to be changed, not once: bring the table up to date", m.file, n)
	}
	return strings.Replace(content, m.old, m.new, 1), nil
}
