package gitea

import (
	"net/http"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// scope is where secrets lie, and what may write there.
type scope struct {
	path  string // below the API's address; the secrets are at path + /actions/secrets
	name  string // in texts: "repository acme/app"
	token string // scope that the token needs
	who   string // whose token it must be

	repository bool
}

// scopeOf is the scope that a configuration names. Source: Gitea's API reference, and the routes of its server.
func scopeOf(c *Config) scope {
	switch {
	case c.Organization != "":
		return scope{path: "/orgs/" + c.Organization, name: "organization " + c.Organization, token: "write:organization", who: "an owner of the organization"}
	case c.User != "":
		return scope{path: "/user", name: "user " + c.User, token: "write:user", who: "that user"}
	}
	return scope{path: "/repos/" + c.Repository, name: "repository " + c.Repository, token: "write:repository", who: "an owner of the repository", repository: true}
}

// explain says what a failure means here. The statuses are those of Gitea's routes.
func (s scope) explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		failed := &httpapi.StatusError{Status: status}
		switch status {
		case http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "%w: the token needs the scope %s and must be of %s", failed, s.token, s.who)
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%w: %s does not exist, or the token may not see it", failed, s.name)
		}
		return nil
	}
}
