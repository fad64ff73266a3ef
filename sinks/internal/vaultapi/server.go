package vaultapi

import (
	"fmt"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Server is how a Vault is reached: a part of the configuration of each kind that writes to one.
type Server struct {
	Address    string      `yaml:"address" doc:"where Vault listens: https://host:8200"`
	Namespace  string      `yaml:"namespace" doc:"namespace of mount and login; none by default"`
	Token      secret.Ref  `yaml:"token" doc:"a token; or approle, kubernetes, jwt"`
	AppRole    *AppRole    `yaml:"approle"`
	Kubernetes *Kubernetes `yaml:"kubernetes"`
	JWT        *JWT        `yaml:"jwt"`
	CACert     string      `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
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
func (c Server) Validate() (errs []error) {
	if _, err := httpapi.ParseBase(c.Address); err != nil {
		errs = append(errs, sinks.Fieldf("address", "%v", err))
	}
	if c.Namespace != "" {
		errs = append(errs, ValidatePath("namespace", c.Namespace))
	}
	return append(errs, c.validateLogin()...)
}

// Name tells a Vault and namespace from another, without the login.
func (c Server) Name() string {
	return fmt.Sprintf("%s namespace %q", strings.TrimRight(c.Address, "/"), c.Namespace)
}

// ValidatePath says whether p is a path that means the same to Vault as it does in a policy.
func ValidatePath(field, p string) error {
	if !legal(p) {
		return sinks.Fieldf(field, "must be a path without a slash at either end")
	}
	return nil
}

func (c Server) validateLogin() (errs []error) {
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
