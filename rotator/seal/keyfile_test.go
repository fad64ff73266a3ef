package seal_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"keyturn/internal/secret"
	"keyturn/rotator/seal"
)

func TestKeygenMakesAKeyThatWorks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	print, err := seal.Keygen(path)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	content, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`^keyturn-seal-1:[A-Za-z0-9+/]{43}=\n$`).Match(content) {
		t.Errorf("the file has another form, %v", err)
	}
	key, err := secret.Ref{File: path}.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.NewAESGCM(key)
	if err != nil || s.Fingerprint() != print || len(print) != 8 {
		t.Fatalf("fingerprint %s, %s, %v", s.Fingerprint(), print, err)
	}
	if got, err := s.Open(t.Context(), binding, sealed(t, s)); err != nil || string(got) != plain {
		t.Errorf("got %q, %v", got, err)
	}

	_, err = seal.Keygen(path)
	wantText(t, err, "seal keygen "+path+": there is a file already, and what it seals would be lost with it: choose another name")
	if after, err := os.ReadFile(path); err != nil || string(after) != string(content) {
		t.Errorf("it was overwritten, %v", err)
	}
	_, err = seal.Keygen(filepath.Join(path, "x"))
	wantText(t, err, "seal keygen "+path+"/x: not a directory")
	other, err := seal.Keygen(path + "2")
	if err != nil || other == print {
		t.Errorf("two keys are the same, %v", err)
	}
}

func TestAKeyFileInAnotherFormIsNotShown(t *testing.T) {
	b64 := func(n int) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("S3cret!!", 9)[:n]))
	}
	for name, tt := range map[string]struct{ file, text string }{
		"empty":            {"", "seal key: it does not begin with keyturn-seal-1:: make one with keyturn seal keygen"},
		"without prefix":   {b64(32), "seal key: it does not begin with keyturn-seal-1:: make one with keyturn seal keygen"},
		"another version":  {"keyturn-seal-2:" + b64(32), "seal key: it does not begin with keyturn-seal-1:: make one with keyturn seal keygen"},
		"too short":        {"keyturn-seal-1:" + b64(31), "seal key: 31 bytes follow keyturn-seal-1:, not 32: make one with keyturn seal keygen"},
		"too long":         {"keyturn-seal-1:" + b64(33), "seal key: 33 bytes follow keyturn-seal-1:, not 32: make one with keyturn seal keygen"},
		"nothing after it": {"keyturn-seal-1:", "seal key: 0 bytes follow keyturn-seal-1:, not 32: make one with keyturn seal keygen"},
		"not base64":       {"keyturn-seal-1:S3cret!!", "seal key: what follows keyturn-seal-1: is not base64: make one with keyturn seal keygen"},
		"two lines":        {"keyturn-seal-1:" + b64(32) + "\n" + b64(32), "seal key: what follows keyturn-seal-1: is not base64: make one with keyturn seal keygen"},
		"zeros":            {"keyturn-seal-1:" + strings.Repeat("A", 43) + "=", "seal key: all bytes are zero: make one with keyturn seal keygen"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := seal.NewAESGCM(secret.FromString(tt.file))
			wantText(t, err, tt.text)
		})
	}
}
