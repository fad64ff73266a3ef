package jenkins

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Config is the configuration of the kind.
type Config struct {
	URL    string     `yaml:"url" doc:"where Jenkins answers, with its path if it has one"`
	User   string     `yaml:"user"`
	Token  secret.Ref `yaml:"token" doc:"API token of the user"`
	Folder string     `yaml:"folder" doc:"folder whose store it is: platform/app; the system store by default"`
	Domain string     `yaml:"domain" doc:"domain in the store; the global one by default"`
	ID     string     `yaml:"id" doc:"id of the credential"`
	CACert string     `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", "%v", err)
	}
	if c.User == "" || strings.ContainsAny(c.User, ":\r\n") {
		bad("user", "must be the name of a user, without a colon")
	}
	if c.Token.IsZero() {
		bad("token", "must not be empty")
	}
	if c.Folder != "" && !legal(strings.Split(c.Folder, "/")...) {
		bad("folder", "must be names of folders with a slash between them, and none at either end")
	}
	if c.Domain != "" && !legal(c.Domain) {
		bad("domain", "must be the name of a domain; leave it out for the global one")
	}
	if !legal(c.ID) {
		bad("id", "must be the id of a credential")
	}
	return errors.Join(errs...)
}

// legal says whether each name means the same to Jenkins as in an address.
func legal(names ...string) bool {
	for _, n := range names {
		if n == "" || n == "." || n == ".." || n == "_" || strings.ContainsAny(n, "/\\") || strings.ContainsFunc(n, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return false
		}
	}
	return true
}

// Destination names the credential.
func (c *Config) Destination() string {
	return fmt.Sprintf("jenkins %s folder %q domain %q id %q", strings.TrimRight(c.URL, "/"), c.Folder, c.Domain, c.ID)
}

// store is the path of the credentials store. Source: "Credentials plugin, REST API".
func (c *Config) store() string {
	domain := "_" // the global one
	if c.Domain != "" {
		domain = url.PathEscape(c.Domain)
	}
	if c.Folder == "" {
		return "/credentials/store/system/domain/" + domain
	}
	var path strings.Builder
	for name := range strings.SplitSeq(c.Folder, "/") {
		path.WriteString("/job/" + url.PathEscape(name))
	}
	return path.String() + "/credentials/store/folder/domain/" + domain
}

// name is the credential in an error: "platform/app/aws-ci".
func (c *Config) name() string {
	if c.Folder == "" {
		return c.ID
	}
	return c.Folder + "/" + c.ID
}
