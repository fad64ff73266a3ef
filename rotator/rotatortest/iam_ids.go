package rotatortest

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// keyID makes an access key id that names its account as AWS's do: the first six of its ten bytes
// are a set bit, the account number in forty bits, and seven more bits.
func keyID(prefix, account string) rotator.KeyID {
	number, _ := strconv.ParseUint(account, 10, 64)
	var b [12]byte
	_, _ = rand.Read(b[:])
	binary.BigEndian.PutUint64(b[:8], 1<<47|number<<7|uint64(b[0]&0x7f))
	return rotator.KeyID(prefix + base32.StdEncoding.EncodeToString(b[2:]))
}

// uniqueID makes the id of a user or role.
func uniqueID(prefix string) string {
	b := make([]byte, 10)
	_, _ = rand.Read(b)
	return prefix + base32.StdEncoding.EncodeToString(b)
}

// secretKey makes 40 characters of A-Za-z0-9/+.
func secretKey() secret.Text {
	b := make([]byte, 30)
	_, _ = rand.Read(b)
	defer clear(b)
	return secret.FromString(base64.StdEncoding.EncodeToString(b))
}

func sessionToken() secret.Text {
	b := make([]byte, 120)
	_, _ = rand.Read(b)
	return secret.FromString(base64.StdEncoding.EncodeToString(b))
}

// clone keeps the model's secret when whoever was given a copy wipes it.
func clone(t secret.Text) (c secret.Text) {
	t.Use(func(b []byte) { c = secret.New(b) })
	return c
}
