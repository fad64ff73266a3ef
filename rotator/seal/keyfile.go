package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"keyturn/internal/secret"
)

const (
	keySize   = 32
	keyPrefix = "keyturn-seal-1:"
	advice    = "make one with keyturn seal keygen"
)

// parseKey never shows what it read.
func parseKey(file secret.Text) (key secret.Text, err error) {
	file.Use(func(b []byte) {
		text, ok := bytes.CutPrefix(bytes.TrimSpace(b), []byte(keyPrefix))
		if !ok {
			err = fmt.Errorf("seal key: it does not begin with %s: %s", keyPrefix, advice)
			return
		}
		raw := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		defer clear(raw)
		n, derr := base64.StdEncoding.Strict().Decode(raw, text)
		switch {
		case derr != nil:
			err = fmt.Errorf("seal key: what follows %s is not base64: %s", keyPrefix, advice)
		case n != keySize:
			err = fmt.Errorf("seal key: %d bytes follow %s, not %d: %s", n, keyPrefix, keySize, advice)
		case len(bytes.Trim(raw[:n], "\x00")) == 0:
			err = fmt.Errorf("seal key: all bytes are zero: %s", advice)
		default:
			key = secret.New(raw[:n])
		}
	})
	return key, err
}

// fingerprint is four bytes of a hash of the key.
func fingerprint(key secret.Text) (f []byte) {
	key.Use(func(k []byte) {
		h := sha256.New()
		h.Write([]byte("keyturn seal key fingerprint 1"))
		h.Write(k)
		f = h.Sum(nil)[:4]
	})
	return f
}

// Keygen makes a key file, mode 0600, and returns the key's fingerprint. It never overwrites. The file is on
// disk when Keygen returns.
func Keygen(path string) (fingerprint string, err error) {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails
	defer clear(raw)
	line := make([]byte, 0, 64) // the whole line: nothing is left behind when it grows
	line = append(line, keyPrefix...)
	line = base64.StdEncoding.AppendEncode(line, raw)
	line = append(line, '\n')
	defer clear(line)
	file := secret.New(line)
	defer file.Wipe()
	sealer, err := NewAESGCM(file)
	if err != nil {
		return "", err
	}
	if err := writeNew(path, line); err != nil {
		return "", fmt.Errorf("seal keygen %s: %w", path, err)
	}
	return hex.EncodeToString(sealer.fingerprint), nil
}

func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errors.New("there is a file already, and what it seals would be lost with it: choose another name")
	}
	if err != nil {
		return errors.Unwrap(err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
