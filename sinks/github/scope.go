package github

import (
	"net/url"
	"strings"
)

// scope is where secrets lie, and what may write there.
type scope struct {
	path       string // below the API's address
	name       string // in texts: "acme/app", "environment production of acme/app"
	owner      string
	repository string            // without its owner; "" for an organization
	classic    string            // scope that a classic token needs
	permission map[string]string // what an App's token is narrowed to; nil: as the installation is
}

// scopeOf is the scope that a configuration names. Sources: the REST API's pages "Actions secrets", "Dependabot secrets", "Codespaces
// secrets" and "Scopes for OAuth apps"; the permissions are those that the description of "Create an installation
// access token for an app" lists.
func scopeOf(c *Config) scope {
	if c.Organization != "" {
		s := scope{path: "/orgs/" + c.Organization + "/" + c.Store + "/secrets", name: "organization " + c.Organization, owner: c.Organization, classic: "admin:org"}
		if c.Store == actions {
			s.permission = map[string]string{"organization_secrets": "write"}
		}
		return s
	}
	owner, name, _ := strings.Cut(c.Repository, "/")
	s := scope{path: "/repos/" + c.Repository + "/" + c.Store + "/secrets", name: c.Repository, owner: owner, repository: name, classic: "repo"}
	switch {
	case c.Environment != "":
		s.path = "/repos/" + c.Repository + "/environments/" + url.PathEscape(c.Environment) + "/secrets"
		s.name = "environment " + c.Environment + " of " + c.Repository
		s.permission = map[string]string{"environments": "write"}
	case c.Store == actions:
		s.permission = map[string]string{"secrets": "write"}
	case c.Store == dependabot:
		s.permission = map[string]string{"dependabot_secrets": "write"}
	}
	return s
}

// shared says whether it belongs to an organization.
func (s scope) shared() bool { return s.repository == "" }
