package vault

import (
	"errors"
	"fmt"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Config is the configuration of the kind.
type Config struct {
	Address    string          `yaml:"address" doc:"where Vault listens: https://host:8200"`
	Namespace  string          `yaml:"namespace" doc:"namespace of mount and login; none by default"`
	Token      secret.Ref      `yaml:"token" doc:"a token; or approle, kubernetes, jwt"`
	AppRole    *AppRole        `yaml:"approle"`
	Kubernetes *Kubernetes     `yaml:"kubernetes"`
	JWT        *JWT            `yaml:"jwt"`
	Mount      string          `yaml:"mount" doc:"where the key-value store is mounted"`
	KV         int             `yaml:"kv" doc:"version of the store, 1 or 2; 0: ask Vault"`
	Path       string          `yaml:"path" doc:"the secret, below mount and without data/"`
	CACert     string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Variables  sinks.Variables `yaml:"variables" doc:"names of the fields"`
}

// AppRole logs in with a role id and a secret id.
type AppRole struct {
	RoleID   string     `yaml:"role_id" doc:"not secret"`
	SecretID secret.Ref `yaml:"secret_id"`
	Mount    string     `yaml:"mount" doc:"approle, if not given"`
}

// Kubernetes logs in with the service account's token of the pod.
type Kubernetes struct {
	Role      string `yaml:"role"`
	Mount     string `yaml:"mount" doc:"kubernetes, if not given"`
	TokenPath string `yaml:"token_path" doc:"where the pod's token is mounted, if not in the usual place"`
}

// JWT logs in with a token that another issuer signed.
type JWT struct {
	Role  string     `yaml:"role"`
	Token secret.Ref `yaml:"token"`
	Mount string     `yaml:"mount" doc:"jwt, if not given"`
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.Address); err != nil {
		bad("address", "%v", err)
	}
	if strings.Trim(c.Namespace, "/") != c.Namespace || !legal(c.Namespace) && c.Namespace != "" {
		bad("namespace", "must be a path without a slash at either end")
	}
	if !legal(c.Mount) {
		bad("mount", "must be a path without a slash at either end")
	}
	if !legal(c.Path) {
		bad("path", "must be a path without a slash at either end")
	}
	if c.KV < 0 || c.KV > 2 {
		bad("kv", "must be 1 or 2")
	}
	errs = append(errs, c.Variables.Validate("variables"))
	return errors.Join(append(errs, c.validateLogin()...)...)
}

func (c *Config) validateLogin() (errs []error) {
	need := func(field string, ok bool) {
		if !ok {
			errs = append(errs, sinks.Fieldf(field, "must not be empty"))
		}
	}
	mount := func(field, mount string) {
		if mount != "" && !legal(mount) {
			errs = append(errs, sinks.Fieldf(field, "must be a path without a slash at either end"))
		}
	}
	given := 0
	if !c.Token.IsZero() {
		given++
	}
	if a := c.AppRole; a != nil {
		given++
		need("approle.role_id", a.RoleID != "")
		need("approle.secret_id", !a.SecretID.IsZero())
		mount("approle.mount", a.Mount)
	}
	if k := c.Kubernetes; k != nil {
		given++
		need("kubernetes.role", k.Role != "")
		mount("kubernetes.mount", k.Mount)
	}
	if j := c.JWT; j != nil {
		given++
		need("jwt.role", j.Role != "")
		need("jwt.token", !j.Token.IsZero())
		mount("jwt.mount", j.Mount)
	}
	if given != 1 {
		errs = append(errs, sinks.Fieldf("token", "exactly one of token, approle, kubernetes and jwt must be given"))
	}
	return errs
}

// legal says whether p is a path that means the same to Vault as it does in a policy.
func legal(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." || strings.TrimSpace(part) != part {
			return false
		}
	}
	return !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune("?#%*+", r) })
}

// Destination names the two fields that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("vault %s namespace %q %s/%s fields %q %q",
		strings.TrimRight(c.Address, "/"), c.Namespace, c.Mount, c.Path, c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
