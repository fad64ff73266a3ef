//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"keyturn/internal/e2e/faultproxy"
	"keyturn/internal/e2e/servers"
)

// world is what one test has to itself: an AWS account, a Vault, and a folder.
type world struct {
	*testing.T
	dir string
	env map[string]string // of keyturn

	program string              // the keyturn that is run, if it is not the one under test
	as      *syscall.Credential // who runs it, if that is somebody else

	motoURL string
	iam     *faultproxy.Proxy // in front of moto
	admin   account           // reaches moto through iam, and is not counted there

	vault *servers.Vault
	store *faultproxy.Gate // in front of vault

	secrets []string // beside those that iam saw: what keyturn was given
	said    []string // what every run of keyturn wrote
}

// newWorld starts it. The rotator has the actions of the shipped policy and no others.
func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{T: t, dir: t.TempDir()}
	w.startAWS()
	w.startVault()
	w.must(os.Mkdir(w.path("state"), 0o700))
	rotator := w.admin.rotator()
	w.secrets = append(w.secrets, rotator.Secret, w.vault.Token)
	w.env = map[string]string{
		"PATH":                      os.Getenv("PATH"),
		"HOME":                      w.dir,
		"AWS_ACCESS_KEY_ID":         rotator.ID,
		"AWS_SECRET_ACCESS_KEY":     rotator.Secret,
		"AWS_ENDPOINT_URL":          w.iam.URL,
		"AWS_EC2_METADATA_DISABLED": "true",
		"VAULT_TOKEN":               w.vault.Token,
	}
	t.Cleanup(w.searchSecrets)
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) startAWS() {
	moto, err := servers.StartMoto(motoFiles, w.dir)
	w.must(err)
	w.Cleanup(moto.Stop)
	w.motoURL = moto.URL
	w.iam, err = faultproxy.Start(moto.URL)
	w.must(err)
	w.Cleanup(func() { w.must(w.iam.Close()) })
	w.admin = newAccount(w)
	w.iam.Set(faultproxy.Conditions{RefuseInactive: true})
}

func (w *world) startVault() {
	var err error
	w.vault, err = servers.StartVault(vaultFiles, w.dir)
	w.must(err)
	w.Cleanup(w.vault.Stop)
	w.store, err = faultproxy.StartGate(w.vault.URL)
	w.must(err)
	w.Cleanup(func() { w.must(w.store.Close()) })
}

// searchSecrets fails if anything secret is in anything that keyturn wrote, except the sinks.
func (w *world) searchSecrets() {
	for _, place := range w.leaks() {
		w.Errorf("a secret is in %s", place)
	}
}

func (w *world) leaks() (places []string) {
	written := map[string][]byte{}
	for i, s := range w.said {
		written[fmt.Sprintf("what keyturn said (%d)", i)] = []byte(s)
	}
	w.must(filepath.WalkDir(w.path("state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		written[path], err = os.ReadFile(path)
		return err
	}))
	for place, b := range written {
		if slices.ContainsFunc(append(w.iam.Secrets(), w.secrets...), func(secret string) bool { return holds(b, secret) }) {
			places = append(places, place)
		}
	}
	return places
}

// holds says whether b holds the secret, half of it, or its base64 form.
func holds(b []byte, secret string) bool {
	return bytes.Contains(b, []byte(secret[:len(secret)/2])) || bytes.Contains(b, []byte(secret[len(secret)/2:])) ||
		bytes.Contains(b, []byte(base64.StdEncoding.EncodeToString([]byte(secret))))
}
