package servers

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Gitea is a server with Actions, SQLite and an administrator.
type Gitea struct {
	*Process
	// Admin and Password log the administrator in; Token may do everything.
	Admin, Password, Token string
	// Database is its SQLite file, in which values of secrets are encrypted under SecretKey.
	Database, SecretKey string

	files, dir string
}

const giteaConfig = `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
RUN_MODE = prod
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[1]s
ROOT_URL = http://127.0.0.1:%[1]s/
STATIC_ROOT_PATH = %[2]s/static
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = %[3]s/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = %[4]s
PASSWORD_HASH_ALGO = pbkdf2_v1
[oauth2]
JWT_SECRET = %[5]s
[api]
MAX_RESPONSE_ITEMS = 2
[actions]
ENABLED = true
[log]
LEVEL = Warn
[repository]
ROOT = %[3]s/repositories
`

// StartGitea starts the Gitea of files, a folder that Find found. Its log and its data go to dir. Pages of its lists hold two
// items.
func StartGitea(files, dir string) (*Gitea, error) {
	g := &Gitea{
		Admin: "root1", Password: "pw-" + rand.Text(), Database: filepath.Join(dir, "gitea.db"), SecretKey: "key-" + rand.Text(),
		files: files, dir: dir,
	}
	if err := os.MkdirAll(filepath.Join(dir, "custom", "conf"), 0o700); err != nil {
		return nil, fmt.Errorf("start gitea: %w", err)
	}
	if err := g.prepare(); err != nil {
		return nil, fmt.Errorf("start gitea: %w", err)
	}
	var err error
	g.Process, err = start("gitea", dir, "/api/healthz", g.env(), func(port string) []string {
		_ = g.configure(port) // a port that is not written is noticed: nobody answers there
		return []string{filepath.Join(files, "gitea"), "web"}
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Gitea) env() []string {
	return []string{"GITEA_WORK_DIR=" + g.dir, "GITEA_CUSTOM=" + filepath.Join(g.dir, "custom"), "USER=" + os.Getenv("USER")}
}

func (g *Gitea) configure(port string) error {
	// The secret of OAuth is 32 bytes in base64; any will do here.
	jwt := strings.Repeat("A", 43)
	text := fmt.Sprintf(giteaConfig, port, g.files, g.dir, g.SecretKey, jwt)
	return os.WriteFile(filepath.Join(g.dir, "custom", "conf", "app.ini"), []byte(text), 0o600)
}

// prepare makes the database and the administrator.
func (g *Gitea) prepare() error {
	if err := g.configure("0"); err != nil {
		return err
	}
	if _, err := g.run("migrate"); err != nil {
		return err
	}
	if _, err := g.run("admin", "user", "create", "--admin", "--username", g.Admin, "--password", g.Password,
		"--email", "root1@example.com", "--must-change-password=false"); err != nil {
		return err
	}
	out, err := g.run("admin", "user", "generate-access-token", "--username", g.Admin, "--token-name", "e2e", "--scopes", "all", "--raw")
	g.Token = regexp.MustCompile(`[0-9a-f]{40}`).FindString(out)
	if err == nil && g.Token == "" {
		err = fmt.Errorf("it made no token")
	}
	return err
}

// run is one of its commands.
func (g *Gitea) run(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(g.files, "gitea"), args...)
	cmd.Dir = g.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir}, g.env()...)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", args[0], err)
	}
	return string(out), nil
}

// Decrypt is the value of a secret as Gitea hands it to a job. text is what its database holds: AES in CFB mode over base64,
// under the hash of the key.
func (g *Gitea) Decrypt(text string) (string, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) < aes.BlockSize {
		return "", errors.New("decrypt a secret of gitea: not the form it had")
	}
	key := sha256.Sum256([]byte(g.SecretKey))
	block, _ := aes.NewCipher(key[:])
	value := raw[aes.BlockSize:]
	cipher.NewCFBDecrypter(block, raw[:aes.BlockSize]).XORKeyStream(value, value) //nolint:staticcheck // it is what Gitea uses
	plain, err := base64.StdEncoding.DecodeString(string(value))
	if err != nil {
		return "", errors.New("decrypt a secret of gitea: it has another key")
	}
	return string(plain), nil
}

// StartRunner starts the runner of files, a folder that Find found, for all repositories of g. Its jobs run on this machine, with no
// container between. Its log and its data go to dir.
func (g *Gitea) StartRunner(files, dir string) (*Process, error) {
	out, err := g.run("actions", "generate-runner-token")
	if err != nil {
		return nil, fmt.Errorf("start the runner: %w", err)
	}
	token := regexp.MustCompile(`[A-Za-z0-9]{40}`).FindString(out)
	// Its cache would listen on all addresses.
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte("runner: {fetch_interval: 1s}\ncache: {enabled: false}\n"), 0o600); err != nil {
		return nil, fmt.Errorf("start the runner: %w", err)
	}
	bin := filepath.Join(files, "runner")
	register := exec.Command(bin, "-c", config, "register", "--no-interactive", "--instance", g.URL, "--token", token, "--name", "e2e", "--labels", "ubuntu-latest:host")
	register.Dir, register.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	if err := register.Run(); err != nil {
		return nil, fmt.Errorf("start the runner: register: %w", err)
	}
	return launch("runner", dir, nil, func(string) []string { return []string{bin, "-c", config, "daemon"} })
}
