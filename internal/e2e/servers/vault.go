package servers

import (
	"crypto/rand"
	"path/filepath"
)

// Vault is a dev server: unsealed, in memory, with a KV v2 engine at "secret".
type Vault struct {
	*Process
	// Token is its root token.
	Token string
}

// StartVault starts the Vault of files, a folder that Find found. Its log goes to dir.
func StartVault(files, dir string) (*Vault, error) {
	token := "root-" + rand.Text()
	p, err := start("vault", dir, "/v1/sys/health", nil, func(port string) []string {
		return []string{
			filepath.Join(files, "vault"), "server", "-dev", "-dev-no-store-token",
			"-dev-root-token-id=" + token,
			"-dev-listen-address=127.0.0.1:" + port,
			"-dev-plugin-dir=" + filepath.Join(files, "vault-plugins"),
		}
	})
	if err != nil {
		return nil, err
	}
	return &Vault{Process: p, Token: token}, nil
}
