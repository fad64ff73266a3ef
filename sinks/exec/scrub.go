package exec

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"keyturn/internal/secret"
)

const (
	maxExcerpt = 300 // characters of a plugin's words in an error
	minSecret  = 4   // bytes; shorter secrets are not looked for
)

// scrubber knows the secrets that a plugin was given, in the forms in which they come back.
type scrubber struct{ forms func() [][]byte } // behind a function, so that nothing prints them

func newScrubber(secrets ...secret.Text) scrubber {
	return scrubber{func() (forms [][]byte) {
		for _, s := range secrets {
			if s.Len() >= minSecret {
				s.Use(func(b []byte) { forms = append(forms, formsOf(b)...) })
			}
		}
		return forms
	}}
}

func formsOf(b []byte) [][]byte {
	s := string(b)
	quoted, _ := json.Marshal(s)
	forms := [][]byte{bytes.Clone(b), quoted[1 : len(quoted)-1]}
	for _, f := range []string{
		strings.ReplaceAll(s, "/", `\/`), url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString(b),
		base64.RawStdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
	} {
		forms = append(forms, []byte(f))
	}
	return forms
}

// in says whether text holds a secret.
func (s scrubber) in(text []byte) bool {
	for _, f := range s.forms() {
		if bytes.Contains(text, f) {
			return true
		}
	}
	return false
}

// inAnswer says whether an answer holds a secret, as written or once it is decoded.
func (s scrubber) inAnswer(stdout []byte) bool {
	if s.in(stdout) {
		return true
	}
	var v any
	return json.Unmarshal(stdout, &v) == nil && s.inValue(v)
}

func (s scrubber) inValue(v any) bool {
	switch v := v.(type) {
	case string:
		return s.in([]byte(v))
	case []any:
		for _, e := range v {
			if s.inValue(e) {
				return true
			}
		}
	case map[string]any:
		for k, e := range v {
			if s.in([]byte(k)) || s.inValue(e) {
				return true
			}
		}
	}
	return false
}

// secretLike is what other secrets look like, the former pair's too: AWS's are 40 characters.
var secretLike = regexp.MustCompile(`[A-Za-z0-9/+]{40,}`)

// words is text for an error: one line, no secrets, at most maxExcerpt characters, the
// last ones, because programs say at the end what went wrong. If text was cut off, a secret
// may have been cut in two: then as much is left out as the longest could leave.
func (s scrubber) words(text []byte, cut bool) string {
	forms := s.forms()
	if cut {
		longest := 0
		for _, f := range forms {
			longest = max(longest, len(f))
		}
		text = text[:max(0, len(text)-longest)]
	}
	for _, f := range forms {
		text = bytes.ReplaceAll(text, f, []byte(secret.Redacted))
	}
	line := strings.Join(strings.FieldsFunc(string(text), func(r rune) bool { return unicode.IsSpace(r) || unprintable(r) }), " ")
	line = secretLike.ReplaceAllString(line, secret.Redacted)
	if n := utf8.RuneCountInString(line); n > maxExcerpt {
		runes := []rune(line)
		line = "..." + string(runes[n-maxExcerpt:])
	}
	return line
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
