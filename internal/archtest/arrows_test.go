package archtest

import (
	"slices"
	"strings"
	"testing"
)

// arrows say which packages of this module a package may import. The first line that matches counts.
var arrows = []struct {
	from string
	to   []string
}{
	{"cmd/keyturn", []string{"cmd/internal/cli"}},
	{"cmd/internal/cli", []string{"internal/app", "internal/demo", "internal/hardening", "rotator", "sinks", "internal/secret"}},

	{"internal/app", []string{"config", "rotator", "rotator/...", "sinks", "sinks/...", "internal/awsauth", "internal/pace", "internal/secret"}},
	{"config", []string{"sinks", "rotator", "rotator/schedule", "internal/secret"}},

	{"rotator", []string{"sinks", "internal/secret"}},
	{"rotator/awsiam", []string{"rotator", "sinks", "internal/awsauth", "internal/pace", "internal/secret"}},
	{"rotator/journal", []string{"rotator", "sinks"}},
	{"rotator/journal/journaltest", []string{"rotator", "sinks"}},
	{"rotator/seal", []string{"rotator", "internal/awsauth", "internal/secret"}},
	{"rotator/schedule", nil},
	{"rotator/rotatortest", []string{"rotator", "sinks", "internal/secret"}},

	{"sinks", []string{"internal/secret", "internal/pace"}},
	{"sinks/builtin", []string{"sinks", "sinks/..."}},
	{"sinks/sinktest", []string{"sinks", "internal/secret"}},
	{"sinks/internal/awsapi", []string{"sinks", "internal/awsauth", "internal/secret", "internal/pace"}},
	{"sinks/internal/vars", []string{"sinks", "sinks/internal/httpapi", "internal/secret"}},
	{"sinks/internal/vaultapi", []string{"sinks", "sinks/internal/httpapi", "internal/secret", "internal/pace"}},
	{"sinks/internal/varstest", []string{"sinks", "sinks/sinktest", "internal/secret"}}, // for tests only
	{"sinks/internal/...", []string{"sinks", "internal/secret", "internal/pace"}},
	{"sinks/exec", []string{"sinks", "sinks/sinktest", "internal/secret"}}, // it runs the suite against plugins
	{"sinks/vault", []string{"sinks", "sinks/internal/httpapi", "sinks/internal/vaultapi", "internal/secret"}},
	{"sinks/vaultawsroot", []string{"sinks", "sinks/internal/httpapi", "sinks/internal/vaultapi", "internal/secret"}},
	{"sinks/secretsmanager", []string{"sinks", "sinks/internal/...", "internal/awsauth", "internal/secret"}},
	{"sinks/ssm", []string{"sinks", "sinks/internal/...", "internal/awsauth", "internal/secret"}},
	{"sinks/...", []string{"sinks", "sinks/internal/httpapi", "sinks/internal/jsonpair", "sinks/internal/vars", "internal/secret", "internal/pace"}},

	{"internal/secret", nil},
	{"internal/pace", nil},
	{"internal/hardening", nil},
	{"internal/awsauth", []string{"internal/pace", "internal/secret"}},
	{"internal/docgen", []string{"config", "internal/app"}},

	// What works without AWS: the demonstration, the bench, and the tests' servers.
	{"internal/standin", []string{"rotator", "rotator/rotatortest", "sinks", "internal/secret"}},
	{"internal/demo", []string{"internal/app", "internal/standin", "config", "rotator", "rotator/...", "sinks", "sinks/...", "internal/secret"}},
	{"internal/bench", []string{"internal/app", "internal/standin", "config", "rotator", "rotator/...", "sinks", "sinks/...", "internal/secret"}},
	{"internal/e2e", nil},
	{"internal/e2e/...", nil},
	{"internal/archtest", nil},
	{"internal/mutants", nil},
	{"deploy/iam", nil},
}

func TestPackagesImportAlongTheArrows(t *testing.T) {
	for _, p := range list(t) {
		i := slices.IndexFunc(arrows, func(a struct {
			from string
			to   []string
		}) bool {
			return matches(a.from, p.name())
		})
		if i < 0 {
			t.Errorf("%s has no line in arrows: say what it may import", p.name())
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if ours && !slices.ContainsFunc(arrows[i].to, func(pattern string) bool { return matches(pattern, to) }) {
				t.Errorf("%s imports %s", p.name(), to)
			}
		}
	}
}

// A kind of sink knows no other kind, whatever the line above allows to all of them.
func TestKindsDoNotKnowEachOther(t *testing.T) {
	for _, p := range list(t) {
		if !matches("sinks/...", p.name()) || p.name() == "sinks/builtin" {
			continue
		}
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, module); ours && matches("sinks/...", to) && !matches("sinks/internal/...", to) && to != "sinks/sinktest" {
				t.Errorf("%s imports %s", p.name(), to)
			}
		}
	}
}
