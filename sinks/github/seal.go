package github

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/nacl/box"

	"keyturn/internal/secret"
)

// publicKey is what GitHub opens sealed values with the other half of. Each scope has its own.
type publicKey struct {
	ID  string `json:"key_id"`
	Key string `json:"key"`
}

// seal encrypts value as a libsodium sealed box. Source: "Encrypting secrets for the REST API".
func (k publicKey) seal(value secret.Text) (sealed string, err error) {
	raw, err := base64.StdEncoding.DecodeString(k.Key)
	if err != nil || len(raw) != 32 {
		return "", fmt.Errorf("the public key is not 32 bytes in base64")
	}
	value.Use(func(b []byte) {
		var out []byte
		if out, err = box.SealAnonymous(nil, b, (*[32]byte)(raw), rand.Reader); err == nil {
			sealed = base64.StdEncoding.EncodeToString(out)
		}
	})
	return sealed, err
}
