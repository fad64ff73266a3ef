package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// defaultAccount is the name of the account that the SDK's own credential chain reaches.
const defaultAccount = "default"

// The shapes of names, from the IAM and STS API references (CreateUser, AssumeRole) and "IAM and AWS STS quotas".
var (
	userName   = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	sessionSet = regexp.MustCompile(`^[\w+=,.@-]*$`)
	externalID = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
	roleARN    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/([\x21-\x7e]{1,511}/)?[\w+=,.@-]{1,64}$`)
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	localName  = regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,63}$`)
)

const (
	notRoleARN   = "not the ARN of a role, such as arn:aws:iam::111122223333:role/keyturn"
	notRegion    = "not the name of a region, such as us-east-1"
	notUserName  = "not the name of an IAM user: 1 to 64 letters, digits and + = , . @ _ - (no path)"
	notLocalName = "a name has at most 64 letters, digits and . _ - and begins with a letter or digit"
)

func isRegion(s string) bool { return regionName.MatchString(s) }

// Number is the account's number, as the role's ARN tells it.
func (a Account) Number() string {
	if m := roleARN.FindStringSubmatch(a.RoleARN); m != nil {
		return m[1]
	}
	return ""
}

func (l *loader) checkAWS() {
	aws, p := l.doc.AWS, path{"aws"}
	if l.has("aws", "region") && !isRegion(aws.Region) {
		l.failAt(p.add("region"), notRegion)
	}
	if aws.Concurrency < 1 || aws.Concurrency > 1000 {
		l.failAt(p.add("concurrency"), "must be 1 to 1000")
	}
	probe, q := aws.Probe, p.add("probe")
	if probe.Rounds < 1 || probe.Rounds > 100 {
		l.failAt(q.add("rounds"), "must be 1 to 100")
	} else if time.Duration(probe.Rounds-1) > probe.Deadline/max(probe.Spacing, 1) {
		l.failAt(q.add("deadline"), "too short for that many rounds with that spacing")
	}
	if probe.Deadline < time.Second {
		l.failAt(q.add("deadline"), "must be at least 1s")
	}
	for name, account := range aws.Accounts {
		l.checkAccount(p.add("accounts", name), name, account)
	}
}

func (l *loader) checkAccount(p path, name string, a Account) {
	switch {
	case name == defaultAccount:
		l.failAt(p, "default is the SDK's own credential chain; give this account another name")
	case !localName.MatchString(name):
		l.failAt(p, notLocalName)
	}
	switch {
	case !l.has(p.add("role_arn")...):
		l.failAt(p, "role_arn is missing")
	case !roleARN.MatchString(a.RoleARN):
		l.failAt(p.add("role_arn"), notRoleARN)
	}
	if id := a.ExternalID; id != "" && (!externalID.MatchString(id) || len(id) < 2 || len(id) > 1224) {
		l.failAt(p.add("external_id"), "must be 2 to 1224 letters, digits and + = , . @ : / _ -")
	}
	if a.Duration < 15*time.Minute || a.Duration > 12*time.Hour {
		l.failAt(p.add("duration"), "must be 15m to 12h")
	}
	l.checkSessionName(p.add("session_name"), a.SessionName)
}

// A rotation's id has 17 characters and is never shortened; a robot's name is, to what is left of the 64.
func (l *loader) checkSessionName(p path, template string) {
	short, err := expand(template, map[string]string{"robot": "r", "rotation": strings.Repeat("r", 17)})
	switch {
	case err != nil:
		l.failAt(p, "%s", err)
	case !sessionSet.MatchString(short):
		l.failAt(p, "may hold letters, digits and + = , . @ _ - beside ${robot} and ${rotation}")
	case len(short) < 2 || len(short) > 64:
		l.failAt(p, "must come to 2 to 64 characters; a rotation's id has 17")
	}
}

// account checks a reference to an account and returns its name; "" for the default one.
func (l *loader) account(p path, name string) string {
	if name == defaultAccount || name == "" {
		return ""
	}
	if _, ok := l.doc.AWS.Accounts[name]; !ok {
		known := append([]string{defaultAccount}, slices.Sorted(maps.Keys(l.doc.AWS.Accounts))...)
		l.failAt(p, "no such account under aws.accounts%s", meant(name, known))
	}
	return name
}
