package seal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// AESGCM seals with a key from a file.
type AESGCM struct {
	key         secret.Text
	fingerprint []byte
}

var _ rotator.Sealer = (*AESGCM)(nil)

// NewAESGCM takes the content of a key file.
func NewAESGCM(file secret.Text) (*AESGCM, error) {
	key, err := parseKey(file)
	if err != nil {
		return nil, err
	}
	return &AESGCM{key: key, fingerprint: fingerprint(key)}, nil
}

// Fingerprint tells keys apart. It is not secret.
func (a *AESGCM) Fingerprint() string { return hex.EncodeToString(a.fingerprint) }

// Prepare seals and opens something random. It contacts nobody.
func (a *AESGCM) Prepare(ctx context.Context, b rotator.Binding) (rotator.Sealing, error) {
	if ctx.Err() != nil {
		return nil, failed("prepare to seal", b, context.Cause(ctx))
	}
	s := &sealing{key: a.key, head: head{kind: keyFile, key: a.fingerprint}, binding: b}
	if err := prove(a, s); err != nil {
		return nil, failed("prepare to seal", b, err)
	}
	return s, nil
}

// prove shows that what is sealed can be opened.
func prove(a *AESGCM, s *sealing) error {
	const id = "AKIAPREPARE"
	plain := make([]byte, 40)
	_, _ = rand.Read(plain) // never fails
	blob, err := s.encrypt(id, plain)
	if err != nil {
		return err
	}
	b := s.binding
	b.Key = id
	opened, err := a.open(b, blob)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(opened, plain) != 1 {
		return errors.New("what was sealed does not open to the same")
	}
	return nil
}

// Open fails with ErrOtherKey if another key sealed it. It contacts nobody.
func (a *AESGCM) Open(_ context.Context, b rotator.Binding, sealed []byte) ([]byte, error) {
	plain, err := a.open(b, sealed)
	if err != nil {
		return nil, failed("open", b, err)
	}
	return plain, nil
}

func (a *AESGCM) open(b rotator.Binding, sealed []byte) ([]byte, error) {
	h, raw, rest, err := split(sealed)
	if err != nil {
		return nil, err
	}
	if h.kind == keyKMS {
		return nil, fmt.Errorf("%w (the KMS key %q), this one is a key file (fingerprint %s)", ErrOtherKey, h.key, a.Fingerprint())
	}
	if string(h.key) != string(a.fingerprint) {
		return nil, fmt.Errorf("%w (fingerprint %x), this one is %s", ErrOtherKey, h.key, a.Fingerprint())
	}
	return decrypt(a.key, b, raw, rest)
}

// sealing seals one secret.
type sealing struct {
	key     secret.Text
	head    head
	binding rotator.Binding
	once    bool // the key is this secret's alone, and wiped after use
}

// Seal is local. After KMS it works once.
func (s *sealing) Seal(key rotator.KeyID, plain []byte) ([]byte, error) {
	blob, err := s.encrypt(key, plain)
	if err != nil {
		return nil, failed("seal", s.binding, err)
	}
	if s.once {
		s.key.Wipe()
	}
	return blob, nil
}

func (s *sealing) encrypt(key rotator.KeyID, plain []byte) ([]byte, error) {
	b := s.binding
	b.Key = key
	return encrypt(s.key, s.head, b, plain)
}
