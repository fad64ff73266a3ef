package github

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// mint gives a token to an App whose claim is signed by its key, is good now, and asks for what was granted.
func (m *model) mint(w http.ResponseWriter, r *http.Request, body []byte) {
	if m.appKey == nil || !m.claimed(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
		say(w, 401, "A JSON web token could not be decoded")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/app/installations/77/") {
		say(w, 404, "Not Found")
		return
	}
	var in narrowing
	_ = json.Unmarshal(body, &in)
	for name := range in.Permissions {
		if name != "secrets" && name != "organization_secrets" && name != "environments" {
			say(w, 422, "The permissions requested are not granted to this installation.")
			return
		}
	}
	m.minted = append(m.minted, in)
	given := fmt.Sprintf("ghs_minted%d", len(m.minted))
	m.tokens[given] = "-"
	reply(w, 201, map[string]any{"token": given, "expires_at": m.Now().Add(time.Hour).Format(time.RFC3339)})
}

func (m *model) claimed(jwt string) bool {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return false
	}
	b64 := base64.RawURLEncoding
	signature, err := b64.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(m.appKey, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	var head map[string]string
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	h, _ := b64.DecodeString(parts[0])
	p, _ := b64.DecodeString(parts[1])
	if json.Unmarshal(h, &head) != nil || json.Unmarshal(p, &claims) != nil {
		return false
	}
	now := time.Now().Unix()
	return head["alg"] == "RS256" && claims.Iss == "Iv23app" && claims.Iat <= now && claims.Exp > now && claims.Exp-claims.Iat <= 600
}

// withApp makes cfg authenticate as an App that the model knows.
func (m *model) withApp(t sinktest.T, cfg *Config) {
	t.Helper()
	m.Change(func() { m.appKey = &appKeys().PublicKey })
	cfg.Token = secret.Ref{}
	cfg.App = &App{ID: "Iv23app", Installation: 77, PrivateKey: varstest.File(t, pemOf(appKeys()))}
}
