package archtest

import (
	"slices"
	"strings"
	"testing"
)

const sdk = "github.com/aws/aws-sdk-go-v2"

// owners are the packages that alone know a foreign package and what is below it, outside tests. The first line
// that matches counts.
var owners = []struct {
	foreign string
	owners  []string
}{
	{sdk + "/service/iam", []string{"rotator/awsiam"}},
	{sdk + "/service/sts", []string{"rotator/awsiam", "internal/awsauth"}},
	{sdk + "/service/kms", []string{"rotator/seal"}},
	{sdk + "/service/secretsmanager", []string{"sinks/secretsmanager"}},
	{sdk + "/service/ssm", []string{"sinks/ssm"}},
	{sdk + "/config", []string{"internal/awsauth"}},
	{sdk + "/credentials", []string{"rotator/awsiam", "internal/awsauth"}},
	{sdk + "/service", nil},
	{"github.com/hashicorp/vault/api", []string{"sinks/internal/vaultapi"}},
	{"github.com/robfig/cron/v3", []string{"rotator/schedule"}},
	{"github.com/goccy/go-yaml", []string{"config", "sinks/kubernetes", "sinks/pulumiesc"}}, // kubernetes reads kubeconfigs; pulumiesc edits definitions in place
	{"golang.org/x/crypto", []string{"sinks/github"}},
	{"github.com/getkin/kin-openapi", nil}, // for tests
	{"modernc.org/sqlite", []string{"rotator/journal"}},
	{"github.com/spf13/cobra", []string{"cmd/internal/cli"}},
}

func TestForeignModulesHaveOneOwner(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range p.Imports {
			for _, o := range owners {
				if !matches(o.foreign, imported) && !matches(o.foreign+"/...", imported) {
					continue
				}
				if !slices.Contains(o.owners, p.name()) {
					t.Errorf("%s imports %s, which belongs to %v", p.name(), imported, o.owners)
				}
				break
			}
		}
	}
}

// The contract of sinks hands an AWS configuration on, and knows no more of AWS than that.
func TestTheContractOfSinksKnowsNoService(t *testing.T) {
	for _, p := range list(t) {
		if p.name() != "sinks" {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, sdk) && imported != sdk+"/aws" {
				t.Errorf("sinks imports %s", imported)
			}
		}
	}
}

// Even a test reaches IAM through rotator/awsiam, unless it stands for AWS or for its administrator.
func TestTestsDoNotCallIAM(t *testing.T) {
	for _, p := range list(t) {
		if slices.Contains([]string{"rotator/awsiam", "internal/standin", "internal/e2e"}, p.name()) {
			continue
		}
		for _, imported := range append(p.TestImports, p.XTestImports...) {
			if imported == sdk+"/service/iam" {
				t.Errorf("the tests of %s import %s", p.name(), imported)
			}
		}
	}
}
