package vars

import (
	"fmt"
	"slices"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// part is a variable with what it is to hold.
type part struct {
	name  string
	value secret.Text
	id    bool   // it is the key id alone
	note  string // the description to write
}

// parts are what a push writes, in that order: the key id comes last.
func (s *Sink) parts(cred sinks.Credential) []part {
	if s.o.Bundle != "" {
		return []part{{name: s.o.Bundle, value: Bundle(cred)}}
	}
	v := s.o.Variables
	return []part{
		{name: v.SecretAccessKey, value: cred.Secret},
		{name: v.AccessKeyID, value: secret.FromString(string(cred.KeyID)), id: true},
	}
}

// names are all variables that matter to a reader of the pair. A credentials file is read only where no variable
// of the environment comes before it, so a bundle's neighbours are not keyturn's.
func (s *Sink) names() []string {
	if s.o.Bundle != "" {
		return []string{s.o.Bundle}
	}
	v := s.o.Variables
	return []string{v.SecretAccessKey, v.AccessKeyID, v.SessionToken}
}

// session is the variable that spoils a static pair; "" with a bundle.
func (s *Sink) session() string {
	if s.o.Bundle != "" {
		return ""
	}
	return s.o.Variables.SessionToken
}

// Bundle is a credentials file that holds cred as the default profile.
// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
func Bundle(cred sinks.Credential) (file secret.Text) {
	cred.Secret.Use(func(b []byte) {
		text := fmt.Appendf(nil, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", cred.KeyID, b)
		file = secret.New(text)
		clear(text)
	})
	return file
}

// bundledID is the key id in a credentials file as Bundle writes it, or as a person may have written it: the default
// profile and nothing else. ok is false if there is more in it.
func bundledID(file string) (id sinks.KeyID, ok bool) {
	section := ""
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		name, value, pair := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch {
		case line == "":
		case line == "[default]" && section == "":
			section = line
		case pair && section != "" && name == "aws_access_key_id":
			id = sinks.KeyID(strings.TrimSpace(value))
		case pair && section != "" && slices.Contains([]string{"aws_secret_access_key", "aws_session_token"}, name):
		default:
			return "", false
		}
	}
	return id, true
}
