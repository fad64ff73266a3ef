package awsauth

import (
	"regexp"
	"strings"
	"testing"
)

const rotation = "20261120-7f3k9qx2"

func TestSessionName(t *testing.T) {
	for name, tc := range map[string]struct {
		template string
		session  Session
		want     string
	}{
		"a rotation":            {DefaultSessionName, Session{Robot: "ci-bot", Rotation: rotation}, "keyturn-ci-bot-20261120-7f3k9qx2"},
		"outside of a rotation": {DefaultSessionName, Session{Robot: "ci-bot"}, "keyturn-ci-bot"},
		"nobody's":              {DefaultSessionName, Session{}, "keyturn"},
		"a long name is shortened, the rotation is not": {DefaultSessionName, Session{Robot: strings.Repeat("x", 80), Rotation: rotation},
			"keyturn-" + strings.Repeat("x", 38) + "-20261120-7f3k9qx2"},
		"two long names are shortened alike": {"${account}.${robot}.${rotation}", Session{Account: strings.Repeat("a", 50), Robot: strings.Repeat("b", 50), Rotation: rotation},
			strings.Repeat("a", 22) + "." + strings.Repeat("b", 23) + ".20261120-7f3k9qx2"},
		"the rotation first":                   {"${rotation}_${robot}", Session{Robot: strings.Repeat("y", 64), Rotation: rotation}, "20261120-7f3k9qx2_" + strings.Repeat("y", 46)},
		"a long literal gives way last":        {strings.Repeat("l", 60) + "${robot}${rotation}", Session{Robot: "bot", Rotation: rotation}, strings.Repeat("l", 47) + rotation},
		"characters that STS does not take":    {DefaultSessionName, Session{Robot: "team/ci bot:ü", Rotation: rotation}, "keyturn-team-ci-bot---20261120-7f3k9qx2"},
		"those that it takes":                  {"${robot}", Session{Robot: "aZ09_+=,.@-x"}, "aZ09_+=,.@-x"},
		"the user":                             {"kt-${user}", Session{Robot: "ci", User: "ci.user", Rotation: rotation}, "kt-ci.user"},
		"the user is the robot unless it says": {"kt-${user}", Session{Robot: "ci", Rotation: rotation}, "kt-ci"},
		"one character is too few":             {"${robot}", Session{Robot: "x"}, "keyturn-x"},
		"a dollar is a literal":                {"a$b", Session{}, "a-b"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sessionName(tc.template, tc.session)
			if err != nil || got != tc.want {
				t.Errorf("got %q (%d), want %q: %v", got, len(got), tc.want, err)
			}
		})
	}
}

func TestSessionNameThatCannotBe(t *testing.T) {
	for name, tc := range map[string]struct {
		template string
		session  Session
		want     string
	}{
		"an unknown placeholder": {"${robots}", Session{}, `session_name "${robots}": unknown placeholder ${robots}: there are robot, user, account and rotation`},
		"an open placeholder":    {"a${robot", Session{}, `session_name "a${robot": a placeholder is not closed`},
		"the rotation is too often in it": {strings.Repeat("${rotation}", 4), Session{Rotation: rotation},
			`session_name "${rotation}${rotation}${rotation}${rotation}" is too long with a rotation's id: at most 64 characters`},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := sessionName(tc.template, tc.session); err == nil || err.Error() != tc.want {
				t.Errorf("got %q, %v, want %s", got, err, tc.want)
			}
		})
	}
}

func FuzzSessionName(f *testing.F) {
	f.Add(DefaultSessionName, "ci-bot", "", "prod", rotation)
	f.Add("${account}/${user}/${robot}", "x", strings.Repeat("ü", 70), "", "")
	f.Add("${rotation}${rotation}", "", "", "", strings.Repeat("r", 40))
	f.Add("$${${robot}}", "-", "-", "-", "-")
	legalName := regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	f.Fuzz(func(t *testing.T, template, robot, user, account, id string) {
		s := Session{Robot: robot, User: user, Account: account, Rotation: id}
		got, err := sessionName(template, s)
		if err != nil {
			return
		}
		if !legalName.MatchString(got) {
			t.Errorf("%q is no session name", got)
		}
		if strings.Contains(template, "${rotation}") && strings.Index(template, "${") == strings.Index(template, "${rotation}") && !strings.Contains(got, legal(id)) {
			t.Errorf("%q has not the rotation %q", got, id)
		}
	})
}
