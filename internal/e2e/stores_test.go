//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
)

// vaultCall asks Vault directly, as root.
func (w *world) vaultCall(method, path string, body any) map[string]any {
	w.Helper()
	b, err := json.Marshal(body)
	w.must(err)
	req, err := http.NewRequestWithContext(w.Context(), method, w.vault.URL+"/v1/"+path, bytes.NewReader(b))
	w.must(err)
	req.Header.Set("X-Vault-Token", w.vault.Token)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	b, err = io.ReadAll(resp.Body)
	w.must(err)
	if resp.StatusCode == http.StatusNotFound {
		return nil
	}
	if resp.StatusCode >= 300 {
		w.Fatalf("vault: %s %s: %s: %s", method, path, resp.Status, b)
	}
	var out struct{ Data map[string]any }
	if len(b) > 0 {
		w.must(json.Unmarshal(b, &out))
	}
	return out.Data
}

// inVault is the pair that the KV v2 engine at secret serves.
func (w *world) inVault(path string) pair {
	w.Helper()
	data, _ := w.vaultCall("GET", "secret/data/"+path, nil)["data"].(map[string]any)
	return pairOf(data)
}

func pairOf(data map[string]any) pair {
	id, _ := data["AWS_ACCESS_KEY_ID"].(string)
	secret, _ := data["AWS_SECRET_ACCESS_KEY"].(string)
	return pair{id, secret}
}

// inFile is the pair that a profile of the credentials file serves.
func (w *world) inFile(profile string) pair {
	w.Helper()
	b, err := os.ReadFile(w.path("credentials"))
	if os.IsNotExist(err) {
		return pair{}
	}
	w.must(err)
	var p pair
	section := ""
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key = strings.TrimSpace(key); {
		case strings.HasPrefix(key, "["):
			section = strings.Trim(key, "[]")
		case section == profile && key == "aws_access_key_id":
			p.ID = strings.TrimSpace(value)
		case section == profile && key == "aws_secret_access_key":
			p.Secret = strings.TrimSpace(value)
		}
	}
	return p
}
