package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// ErrOtherKey: the secret is intact as far as can be told, and another key opens it.
var ErrOtherKey = errors.New("sealed with another key")

var (
	errNoBlob  = errors.New("not a sealed secret, or cut off")
	errAltered = errors.New("it was sealed for another rotation or key id, or it was altered")
)

const version = 1

// kind says where the key of a blob comes from.
type kind byte

const (
	keyFile kind = 'A'
	keyKMS  kind = 'K'
)

// head is what stands before the encrypted part.
type head struct {
	kind    kind
	key     []byte // names the key; not secret
	wrapped []byte // the data key as KMS encrypted it
}

func (h head) encode() ([]byte, error) {
	b := []byte{version, byte(h.kind)}
	for _, field := range [][]byte{h.key, h.wrapped} {
		if len(field) > math.MaxUint16 {
			return nil, errors.New("the name of the key, or the wrapped data key, is too long")
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return b, nil
}

// split reads the head; rest is nonce and ciphertext, raw the head's bytes.
func split(blob []byte) (h head, raw, rest []byte, err error) {
	if len(blob) < 2 {
		return head{}, nil, nil, errNoBlob
	}
	if blob[0] != version {
		return head{}, nil, nil, fmt.Errorf("it has version %d and this keyturn knows %d: use the keyturn that sealed it, or a newer one", blob[0], version)
	}
	h.kind, rest = kind(blob[1]), blob[2:]
	if h.kind != keyFile && h.kind != keyKMS {
		return head{}, nil, nil, errors.New("the kind of its key is not known: use the keyturn that sealed it, or a newer one")
	}
	for _, field := range []*[]byte{&h.key, &h.wrapped} {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return head{}, nil, nil, errNoBlob
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		*field, rest = rest[2:n], rest[n:]
	}
	return h, blob[:len(blob)-len(rest)], rest, nil
}

// additional is the additional data. Every part has its length before it, so no two bindings look the same.
func additional(raw []byte, b rotator.Binding) []byte {
	ad := []byte("keyturn seal 1 ")
	for _, part := range []string{string(raw), b.Account, strings.ToLower(b.User), string(b.Rotation), string(b.Key)} {
		ad = fmt.Appendf(ad, "%d:%s", len(part), part)
	}
	return ad
}

func encrypt(key secret.Text, h head, b rotator.Binding, plain []byte) ([]byte, error) {
	if err := complete(b); err != nil {
		return nil, err
	}
	if b.Key == "" || len(plain) == 0 {
		return nil, errors.New("there is no key id, or nothing to seal")
	}
	raw, err := h.encode()
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(raw, nil, plain, additional(raw, b)), nil //nolint:gosec // this AEAD makes a random nonce by itself
}

func decrypt(key secret.Text, b rotator.Binding, raw, rest []byte) ([]byte, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nil, rest, additional(raw, b))
	if err != nil {
		return nil, errAltered
	}
	return plain, nil
}

// newGCM puts a random nonce before what it seals. The cipher is made for each use: it holds the
// key in a form that prints.
func newGCM(key secret.Text) (gcm cipher.AEAD, err error) {
	key.Use(func(k []byte) {
		if len(k) != keySize {
			err = fmt.Errorf("the key has %d bytes, not %d: it was wiped, or used before", len(k), keySize)
			return
		}
		var block cipher.Block
		if block, err = aes.NewCipher(k); err == nil {
			gcm, err = cipher.NewGCMWithRandomNonce(block)
		}
	})
	return gcm, err
}

// complete looks for what must be known before there is a key.
func complete(b rotator.Binding) error {
	if b.Account == "" || b.User == "" || b.Rotation == "" {
		return errors.New("account, user and rotation must be known")
	}
	return nil
}

// failed names the secret that an error is about.
func failed(op string, b rotator.Binding, err error) error {
	return fmt.Errorf("%s the secret of %s/%s in rotation %s: %w", op, b.Account, b.User, b.Rotation, err)
}
