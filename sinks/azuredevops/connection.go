package azuredevops

import (
	"errors"
	"net/url"
	"strings"

	"keyturn/sinks"
)

// connection is a service connection of type aws.
type connection struct{ cfg *Config }

func (c connection) path() string { return "/" + url.PathEscape(c.cfg.Project) + c.target() }

func (c connection) target() string {
	return "/_apis/serviceendpoint/endpoints/" + c.cfg.ServiceConnection
}

func (c connection) rights(fields) (string, url.Values) {
	return "/" + url.PathEscape(c.cfg.Project) + "/_apis/serviceendpoint/endpoints", url.Values{
		"endpointIds": {c.cfg.ServiceConnection}, "actionFilter": {"manage"},
	}
}

func (c connection) refuses(now fields) error {
	parameters := now.below("authorization").below("parameters")
	switch {
	case !strings.EqualFold(now.text("type"), "aws"):
		return errors.New("it is not of type aws")
	case strings.EqualFold(parameters.text("useOIDC"), "true"):
		return errors.New("it uses OIDC and holds no key")
	}
	return nil
}

// shows: passwords are never told, so whether there is one is not known.
func (c connection) shows(now fields) (shown, error) {
	if err := c.refuses(now); err != nil {
		return shown{}, err
	}
	id := now.below("authorization").below("parameters").text("username")
	return shown{id: sinks.KeyID(id), secret: true, stamp: now.text("modificationDate")}, nil
}

func (c connection) with(now fields, cred sinks.Credential) (fields, error) {
	if err := c.refuses(now); err != nil {
		return nil, err
	}
	authorization := now.below("authorization")
	parameters := authorization.below("parameters").
		set("username", string(cred.KeyID)).set("password", cred.Secret.Reveal()).set("sessionToken", "")
	return now.set("authorization", authorization.set("parameters", parameters)), nil
}

func (c connection) warns(fields) []string { return nil }
