//go:build e2e

package e2e

import (
	"database/sql"
	"encoding/base64"
	"net/http"

	_ "modernc.org/sqlite" // the databases of Gitea and Drone

	"keyturn/internal/e2e/servers"
)

// forge is a Gitea and the Drone that builds its repositories. There is one, of the administrator: app.
type forge struct {
	*world
	gitea *servers.Gitea
	drone *servers.Drone

	repository             string
	giteaToken, droneToken string // what keyturn is given
}

func (w *world) newForge(g *servers.Gitea, d *servers.Drone) *forge {
	w.Helper()
	f := &forge{world: w, gitea: g, drone: d, repository: g.Admin + "/app"}
	login := base64.StdEncoding.EncodeToString([]byte(g.Admin + ":" + g.Password))
	person := api{w, http.DefaultClient, g.URL + "/api/v1", "Basic " + login}
	person.call("POST", "/user/repos", map[string]any{"name": "app"}, nil)
	var made struct{ SHA1 string }
	person.call("POST", "/users/"+g.Admin+"/tokens", map[string]any{"name": "keyturn", "scopes": []string{"write:repository"}}, &made)
	f.giteaToken = made.SHA1

	var err error
	f.droneToken, err = d.Login(g.Admin, g.Password)
	w.must(err)
	builds := api{w, http.DefaultClient, d.URL + "/api", "Bearer " + f.droneToken}
	builds.call("POST", "/user/repos?async=false", nil, nil) // it looks for repositories
	builds.call("POST", "/repos/"+f.repository, nil, nil)
	return f
}

// inGitea is the pair that a job of Gitea's Actions gets. No API shows it.
func (f *forge) inGitea() pair {
	f.Helper()
	data := f.rows(f.gitea.Database, "SELECT name, data FROM secret")
	for name, text := range data {
		value, err := f.gitea.Decrypt(text.(string))
		f.must(err)
		data[name] = value
	}
	return pairOf(data)
}

// inDrone is the pair that a build gets.
func (f *forge) inDrone() pair {
	f.Helper()
	return pairOf(f.rows(f.drone.Database, "SELECT secret_name, secret_data FROM secrets"))
}

// rows are names and values out of a database.
func (f *forge) rows(file, query string) map[string]any {
	f.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)")
	f.must(err)
	defer db.Close()
	rows, err := db.QueryContext(f.Context(), query)
	f.must(err)
	defer rows.Close()
	all := map[string]any{}
	for rows.Next() {
		var name, value string
		f.must(rows.Scan(&name, &value))
		all[name] = value
	}
	f.must(rows.Err())
	return all
}
