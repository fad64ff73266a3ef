package file

import (
	"errors"
	"regexp"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// format knows one kind of file. Both methods are pure. Their errors say what is wrong
// with the file and in which line, and hold nothing of its content.
type format interface {
	// read finds the pair that the file serves.
	read(text []byte) (held, error)
	// edit returns text with p as the pair that is served and no session token, and every
	// other byte as it was. Empty text is a new file.
	edit(text []byte, p pair) ([]byte, error)
}

// pair is what is written.
type pair struct {
	id     string
	secret secret.Text
}

// held is what was found.
type held struct {
	id      string // "" if there is none
	secret  secret.Text
	session bool // a session token lies beside the pair
}

// serves says whether a reader gets exactly p.
func (h held) serves(p pair) bool {
	return h.id == p.id && h.secret.Equal(p.secret) && !h.session
}

var (
	keyIDShape  = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`)
	secretShape = regexp.MustCompile(`^[A-Za-z0-9/+=._-]{1,1000}$`)
	// servedShape is narrower: whatever lies where the id should be must not turn out to be a secret.
	servedShape = regexp.MustCompile(`^[A-Z0-9_]{1,128}$`)
)

// pairOf is cred, if it holds only what needs no quoting in any format.
func pairOf(cred sinks.Credential) (pair, error) {
	ok := keyIDShape.MatchString(string(cred.KeyID))
	cred.Secret.Use(func(b []byte) { ok = ok && secretShape.Match(b) })
	if !ok {
		return pair{}, errors.New("the pair holds characters that AWS keys do not have")
	}
	return pair{id: string(cred.KeyID), secret: cred.Secret}, nil
}

// sample is a pair to try an edit with.
func sample() pair {
	return pair{id: "AKIAIOSFODNN7EXAMPLE", secret: secret.FromString("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}
}

// edited is edit, and proof that what it made says what it should.
func edited(f format, text []byte, p pair) ([]byte, error) {
	next, err := f.edit(text, p)
	if err != nil {
		return nil, err
	}
	if h, err := f.read(next); err != nil || !h.serves(p) {
		clear(next)
		return nil, errors.New("cannot be edited safely")
	}
	return next, nil
}
