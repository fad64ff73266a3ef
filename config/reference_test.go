package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func table(fields []Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s | %s | %s\n", f.Path, f.Type, f.Default)
	}
	return b.String()
}

func TestReference(t *testing.T) {
	want := strings.TrimLeft(`
aws.region | text | 
aws.settle | duration | 1m
aws.orphan_wait | duration | 15m
aws.probe.rounds | number | 2
aws.probe.spacing | duration | 2s
aws.probe.deadline | duration | 2m
aws.concurrency | number | 32
aws.quarantine | report or detach | report
aws.accounts | map by name | 
aws.accounts.NAME.role_arn | text | 
aws.accounts.NAME.external_id | text | 
aws.accounts.NAME.session_name | text | keyturn-${robot}-${rotation}
aws.accounts.NAME.duration | duration | 1h
journal.path | text | /var/lib/keyturn/journal.db
seal.key | reference to a secret | 
seal.kms.key_id | text | 
seal.kms.region | text | 
seal.kms.account | text | 
defaults.grace | duration | 1h
defaults.quiet | duration | 0s
defaults.soak | duration | 1d
defaults.max_age | duration | 90d
defaults.make_room | own, inactive or unused | own
defaults.on_leak | replace_first or contain_first | replace_first
defaults.leak_deadline | duration | 1m
sinks.NAME.KIND | map of the kind's keys | 
robots.NAME.user | text | 
robots.NAME.account | text | 
robots.NAME.schedule | text | 
robots.NAME.grace | duration | 1h
robots.NAME.quiet | duration | 0s
robots.NAME.soak | duration | 1d
robots.NAME.max_age | duration | 90d
robots.NAME.make_room | own, inactive or unused | own
robots.NAME.on_leak | replace_first or contain_first | replace_first
robots.NAME.leak_deadline | duration | 1m
robots.NAME.verify.assume_role | text | 
robots.NAME.sinks | list | 
robots.NAME.sinks[].sink | text | 
robots.NAME.sinks[].with | map of the kind's keys | 
robots.NAME.sinks[].required | true or false | true
robots.NAME.sinks[].min_evidence | accepted, stamped, partial, exact or canary | stamped
robots.NAME.sinks[].canary.workflow | text | 
robots.NAME.sinks[].canary.ref | text | 
robots.NAME.sinks[].canary.deadline | duration | 0s
`, "\n")
	got := Reference()
	if diff := cmp.Diff(want, table(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, f := range got {
		if f.Doc == "" {
			t.Errorf("%s is not described", f.Path)
		}
	}
}

func TestReferenceOf(t *testing.T) {
	want := strings.TrimLeft(`
address | text | 
token | reference to a secret | 
login.id | text | 
login.secret | reference to a secret | 
path | text | 
slots | number | 2
sealed | true or false | false
mode | open or shut | 
tags | list of texts | by-${robot}
labels | map of text | 
extra | map of anything | 
variables.access_key_id | text | AWS_ACCESS_KEY_ID
variables.secret_access_key | text | AWS_SECRET_ACCESS_KEY
variables.session_token | text | AWS_SESSION_TOKEN
`, "\n")
	got := ReferenceOf(box.New())
	if diff := cmp.Diff(want, table(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got[0].Doc != "where the box is" {
		t.Errorf("got %q", got[0].Doc)
	}
}
