package webhook

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
	URL    string     `yaml:"url" doc:"address of the receiver: https, or http on this machine"`
	Secret secret.Ref `yaml:"secret" doc:"signs the requests: whsec_ and 24 to 64 bytes in base64"`
	Target string     `yaml:"target" doc:"a text that tells the receiver which pair it is"`
	Verify bool       `yaml:"verify" doc:"false: the receiver cannot say what it serves"`
	CACert string     `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	var errs []error
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		errs = append(errs, sinks.Fieldf("url", "%v", err))
	} else if httpapi.Unencrypted(c.URL) {
		errs = append(errs, sinks.Fieldf("url", "must be https: only a receiver on this machine may be http"))
	}
	if c.Secret.IsZero() {
		errs = append(errs, sinks.Fieldf("secret", "must not be empty"))
	}
	return errors.Join(errs...)
}

// Destination names receiver and target.
func (c *Config) Destination() string { return fmt.Sprintf("webhook %s target %q", c.URL, c.Target) }

// address is the receiver's host and its path, which keeps its last slash.
func (c *Config) address() (base, path string) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return c.URL, ""
	}
	base, _ = strings.CutSuffix(c.URL, u.EscapedPath())
	return base, u.EscapedPath()
}
