package app

import (
	"strings"
	"testing"
	"time"

	"keyturn/config"
	"keyturn/rotator"
	"keyturn/rotator/awsiam"
	"keyturn/sinks/builtin"
)

func TestFirstConfig(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	keys := []rotator.Key{{ID: "AKIAONE", Status: rotator.Active, CreatedAt: at}}
	user := func(name string, password time.Time, self bool) candidate {
		return candidate{ListedUser: awsiam.ListedUser{Name: name, PasswordUsed: password}, keys: keys, self: self}
	}
	for name, tc := range map[string]struct {
		users  []candidate
		robots []string
		says   string
	}{
		"a machine is a robot":                     {[]candidate{user("ci-bot", time.Time{}, false)}, []string{"ci-bot"}, "# AKIAONE, active, made 2026-01-02"},
		"who signs in at the console is mentioned": {[]candidate{user("alice", at, false)}, nil, "# alice: signs in at the console (last 2026-01-02), so probably a person"},
		"keyturn's own user is mentioned":          {[]candidate{user("keyturn", time.Time{}, true)}, nil, "# keyturn: keyturn itself signs with its key"},
		"names that YAML would read otherwise":     {[]candidate{user("1234", time.Time{}, false), user("true", time.Time{}, false), user("a@b+c=d", time.Time{}, false)}, []string{"1234", "true", "a@b+c=d"}, ""},
		"nobody":                                   {nil, nil, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			text, n := firstConfig("/somewhere", "eu-west-1", "111122223333", tc.users)
			cfg, err := config.Load("keyturn.yaml", []byte(text), builtin.All)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			var got []string
			for _, r := range cfg.Robots {
				got = append(got, r.Name)
			}
			if n != len(tc.robots) || strings.Join(got, " ") != strings.Join(tc.robots, " ") {
				t.Errorf("%d robots: %v, want %v", n, got, tc.robots)
			}
			if !strings.Contains(text, tc.says) {
				t.Errorf("does not say %q:\n%s", tc.says, text)
			}
		})
	}
}
