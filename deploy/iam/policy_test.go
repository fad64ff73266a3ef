package iam_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const robots = "arn:aws:iam::111122223333:user/robots/*"

// list is a JSON string or array of strings, as policies have both.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

type statement struct {
	Sid       string
	Effect    string
	Principal map[string]string
	Action    list
	Resource  list
	Condition map[string]map[string]string
}

func load(t *testing.T, file string) map[string]statement {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if doc.Version != "2012-10-17" {
		t.Errorf("%s: version %q", file, doc.Version)
	}
	bySid := map[string]statement{}
	for _, s := range doc.Statement {
		if s.Effect != "Allow" || slices.ContainsFunc(s.Action, func(a string) bool { return strings.Contains(a, "*") }) {
			t.Errorf("%s: %s: every statement allows named actions", file, s.Sid)
		}
		bySid[s.Sid] = s
	}
	return bySid
}

func TestEachStatementIsAsNarrowAsIAMAllows(t *testing.T) {
	tests := map[string]struct {
		file, sid string
		resource  string
	}{
		"keys of robots only":                  {"rotator.json", "Keys", robots},
		"identity of robots only":              {"rotator.json", "Identity", robots},
		"the tag of robots only":               {"rotator.json", "Tag", robots},
		"IAM lists all users or none":          {"discover.json", "Discover", "*"},
		"quarantine of robots only":            {"quarantine.json", "LiftQuarantine", robots},
		"the roles to be assumed by name only": {"hub.json", "Accounts", "arn:aws:iam::111122223333:role/keyturn"},
		"secrets of one folder only":           {"secretsmanager.json", "Secrets", "arn:aws:secretsmanager:*:111122223333:secret:ci/*"},
		"parameters of one folder only":        {"ssm.json", "Parameters", "arn:aws:ssm:*:111122223333:parameter/ci/*"},
		"AWS describes all or none":            {"ssm.json", "Describe", "*"},
		"one key":                              {"kms.json", "Seal", "arn:aws:kms:us-east-1:111122223333:key/replace-with-the-id-of-the-key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, ok := load(t, tt.file)[tt.sid]
			if !ok || !slices.Equal(s.Resource, list{tt.resource}) {
				t.Errorf("resource %v, want %s", s.Resource, tt.resource)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	tag := load(t, "rotator.json")["Tag"].Condition
	if tag["ForAllValues:StringEquals"]["aws:TagKeys"] != "keyturn" || tag["Null"]["aws:TagKeys"] != "false" {
		t.Errorf("another tag could be written: %v", tag)
	}
	lift := load(t, "quarantine.json")["LiftQuarantine"].Condition
	if lift["ArnLike"]["iam:PolicyARN"] != "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine*" {
		t.Errorf("another policy could be detached: %v", lift)
	}
	trust := load(t, "trust.json")["KeyturnOnly"]
	if trust.Condition["StringEquals"]["sts:ExternalId"] == "" || strings.Contains(trust.Principal["AWS"], "*") {
		t.Errorf("somebody else could come in: %+v", trust)
	}
}

// An operation of the SDK cannot be called without naming its input type.
func TestTheActionsAreThoseTheCodeUses(t *testing.T) {
	tests := map[string]struct {
		folder, service string
		files           []string
	}{
		"rotator":        {"rotator/awsiam", "iam", []string{"rotator.json", "discover.json", "quarantine.json"}},
		"secretsmanager": {"sinks/secretsmanager", "secretsmanager", []string{"secretsmanager.json"}},
		"ssm":            {"sinks/ssm", "ssm", []string{"ssm.json"}},
		"kms":            {"rotator/seal", "kms", []string{"kms.json"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var granted []string
			for _, file := range tt.files {
				for _, s := range load(t, file) {
					granted = append(granted, s.Action...)
				}
			}
			used := operations(t, filepath.Join("../..", tt.folder), tt.service)
			for _, a := range used {
				if !slices.Contains(granted, a) {
					t.Errorf("%s is used by %s and granted by none of %v", a, tt.folder, tt.files)
				}
			}
			for _, a := range granted {
				if !slices.Contains(used, a) {
					t.Errorf("%s is granted by one of %v and %s does not use it", a, tt.files, tt.folder)
				}
			}
		})
	}
}

// operations are the actions of a service whose input types a package names outside its tests.
func operations(t *testing.T, folder, service string) []string {
	t.Helper()
	var used []string
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if op, isInput := strings.CutSuffix(sel.Sel.Name, "Input"); ok && isInput && pkg.Name == service {
				used = append(used, service+":"+op)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(used)
	return slices.Compact(used)
}
