package awsauth

import (
	"fmt"
	"strings"
)

// maxSessionName is the longest RoleSessionName. Source: AssumeRole in the STS API Reference.
const maxSessionName = 64

// part is a piece of a session's name. A kept part is never shortened.
type part struct {
	text string
	name bool // a name; names are shortened before literals
	kept bool
}

// sessionName renders the template: at most 64 characters of those that STS takes, others
// replaced by "-". Names are shortened, longest first; the rotation's id never is.
func sessionName(template string, s Session) (string, error) {
	parts, err := render(template, s)
	if err != nil {
		return "", err
	}
	for i := range parts {
		if p := &parts[i]; !p.kept {
			p.text = p.text[:min(len(p.text), maxSessionName)]
		}
	}
	for excess(parts) > 0 {
		if p := longest(parts); p != nil {
			p.text = p.text[:len(p.text)-1]
			continue
		}
		return "", fmt.Errorf("session_name %q is too long with a rotation's id: at most %d characters", template, maxSessionName)
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text)
	}
	name := b.String()
	if s.Rotation == "" { // as in status: the separator before it is left over
		name = strings.Trim(name, "-")
	}
	switch len(name) {
	case 0:
		return "keyturn", nil
	case 1: // STS wants two characters
		return "keyturn-" + name, nil
	}
	return name, nil
}

// render splits the template and puts the values in.
func render(template string, s Session) ([]part, error) {
	var parts []part
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "${")
		parts = append(parts, part{text: legal(literal)})
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("session_name %q: a placeholder is not closed", template)
		}
		p, ok := placeholder(name, s)
		if !ok {
			return nil, fmt.Errorf("session_name %q: unknown placeholder ${%s}: there are robot, user, account and rotation", template, name)
		}
		parts = append(parts, p)
		rest = tail
	}
	return parts, nil
}

func placeholder(name string, s Session) (part, bool) {
	switch name {
	case "rotation":
		return part{text: legal(s.Rotation), kept: true}, true
	case "robot":
		return part{text: legal(s.Robot), name: true}, true
	case "user":
		if s.User == "" {
			s.User = s.Robot
		}
		return part{text: legal(s.User), name: true}, true
	case "account":
		return part{text: legal(s.Account), name: true}, true
	}
	return part{}, false
}

// legal replaces each character that a session's name may not have.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_+=,.@-", r):
			return r
		}
		return '-'
	}, s)
}

// excess is by how many characters the name is too long.
func excess(parts []part) int {
	n := -maxSessionName
	for _, p := range parts {
		n += len(p.text)
	}
	return n
}

// longest is the part to shorten next: the longest name, else the longest literal, nil if only kept parts are left.
func longest(parts []part) *part {
	var best *part
	for i := range parts {
		p := &parts[i]
		if p.kept || p.text == "" {
			continue
		}
		if best == nil || p.name && !best.name || p.name == best.name && len(p.text) > len(best.text) {
			best = p
		}
	}
	return best
}
