package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// signer signs messages. Source: Standard Webhooks 1.0.0, "Signature scheme".
type signer struct{ ref secret.Ref }

// errKey does not say what is there instead.
var errKey = errors.New("must be whsec_ and 24 to 64 bytes in base64")

// key reads the signing secret; its bytes are to be cleared.
func (s signer) key(ctx context.Context) ([]byte, error) {
	const op = "webhook: secret"
	text, err := s.ref.Resolve(ctx)
	if err != nil {
		return nil, sinks.Errorf(sinks.Denied, op, "%w", err)
	}
	defer text.Wipe()
	encoded, ok := strings.CutPrefix(text.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, sinks.Errorf(sinks.Denied, op, "%w", errKey)
	}
	return key, nil
}

// headers are those of one attempt: the id is that of the message, the time is now.
func (s signer) headers(ctx context.Context, id string, now time.Time, body []byte) (http.Header, error) {
	key, err := s.key(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {sign(key, id, at, body)},
	}, nil
}

func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// proof shows that somebody holds a secret. The words in front keep a challenge from being a request to
// AWS that the receiver would sign (signature version 2 is the same function).
func proof(held secret.Text, challenge string) (sum []byte) {
	held.Use(func(b []byte) {
		mac := hmac.New(sha256.New, b)
		mac.Write([]byte("keyturn-verify." + challenge))
		sum = mac.Sum(nil)
	})
	return sum
}

// proves says whether answer is the proof, in a time that does not depend on where they differ.
func proves(held secret.Text, challenge, answer string) bool {
	got, err := base64.StdEncoding.DecodeString(answer)
	return err == nil && hmac.Equal(got, proof(held, challenge))
}
