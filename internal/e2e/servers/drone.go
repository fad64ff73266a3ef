package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// Drone is a server that knows the repositories of a Gitea.
type Drone struct {
	*Process
	// Token is that of a machine user who administers it.
	Token string
	// Database is its SQLite file, in which values of secrets can be read.
	Database string

	gitea *Gitea
}

// StartDrone starts the Drone of files, a folder that Find found. Its log and its data go to dir.
func StartDrone(files, dir string, g *Gitea) (*Drone, error) {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	d := &Drone{Token: hex.EncodeToString(raw), Database: filepath.Join(dir, "drone.sqlite"), gitea: g}
	var failed error
	p, err := start("drone", dir, "/healthz", nil, func(port string) []string {
		address := "127.0.0.1:" + port
		var id, secret string
		id, secret, failed = g.application("http://" + address + "/login")
		return []string{
			"/usr/bin/env", "DRONE_SERVER_PORT=" + address, "DRONE_SERVER_HOST=" + address, "DRONE_SERVER_PROTO=http",
			"DRONE_GITEA_SERVER=" + g.URL, "DRONE_GITEA_CLIENT_ID=" + id, "DRONE_GITEA_CLIENT_SECRET=" + secret,
			"DRONE_RPC_SECRET=" + d.Token, "DRONE_AGENTS_ENABLED=true",
			"DRONE_DATABASE_DRIVER=sqlite3", "DRONE_DATABASE_DATASOURCE=" + d.Database,
			"DRONE_USER_CREATE=username:keyturn,machine:true,admin:true,token:" + d.Token,
			filepath.Join(files, "drone"),
		}
	})
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	d.Process = p
	return d, nil
}

// application makes an OAuth application in Gitea.
func (g *Gitea) application(redirect string) (id, secret string, err error) {
	body, _ := json.Marshal(map[string]any{"name": "drone", "confidential_client": true, "redirect_uris": []string{redirect}})
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, g.URL+"/api/v1/user/applications/oauth2", bytes.NewReader(body))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "token "+g.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		return "", "", fmt.Errorf("make an OAuth application in gitea: %w", err)
	}
	if made.ID == "" {
		return "", "", fmt.Errorf("make an OAuth application in gitea: %s", resp.Status)
	}
	return made.ID, made.Secret, nil
}

// Login logs a user of Gitea in, as a person does with a browser, and returns the user's token of Drone.
func (d *Drone) Login(user, password string) (token string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	b := &browser{&http.Client{Jar: jar}}
	page, err := b.get(d.gitea.URL + "/user/login")
	if err != nil {
		return "", err
	}
	form := hidden(page)
	form.Set("user_name", user)
	form.Set("password", password)
	if _, err := b.post(d.gitea.URL+"/user/login", form); err != nil {
		return "", err
	}
	if page, err = b.get(d.URL + "/login"); err != nil { // it leads to the question whether Drone may
		return "", err
	}
	if strings.Contains(page, "oauth/grant") {
		form = hidden(page)
		form.Set("granted", "true")
		if _, err := b.post(d.gitea.URL+"/login/oauth/grant", form); err != nil {
			return "", err
		}
	}
	answer, err := b.post(d.URL+"/api/user/token", nil)
	if err != nil {
		return "", err
	}
	var got struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Token == "" {
		return "", fmt.Errorf("drone makes no token for %s", user)
	}
	return got.Token, nil
}

// browser keeps cookies. The two servers share a host, so that each also gets the other's.
type browser struct{ *http.Client }

func (b *browser) get(address string) (string, error) { return b.read(b.Get(address)) }

func (b *browser) post(address string, form url.Values) (string, error) {
	return b.read(b.PostForm(address, form))
}

func (*browser) read(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s: %s", resp.Request.URL.Path, resp.Status)
	}
	return string(raw), err
}

var (
	input   = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*>`)
	nameOf  = regexp.MustCompile(` name="([^"]*)"`)
	valueOf = regexp.MustCompile(` value="([^"]*)"`)
)

// hidden are the fields of a form that a person does not fill in.
func hidden(page string) url.Values {
	form := url.Values{}
	for _, tag := range input.FindAllString(page, -1) {
		name, value := nameOf.FindStringSubmatch(tag), valueOf.FindStringSubmatch(tag)
		if name != nil && value != nil {
			form.Set(name[1], html.UnescapeString(value[1]))
		}
	}
	return form
}
