package kubernetes

import (
	"errors"
	"fmt"
	"regexp"

	"keyturn/sinks"
	"keyturn/sinks/internal/vars"
)

// Config is the configuration of the kind.
type Config struct {
	Kubeconfig string          `yaml:"kubeconfig" doc:"path of a kubeconfig; or in_cluster"`
	Context    string          `yaml:"context" doc:"context of the kubeconfig; its current one by default"`
	InCluster  bool            `yaml:"in_cluster" doc:"true: the service account of the pod that keyturn runs in"`
	Namespace  string          `yaml:"namespace"`
	Secret     string          `yaml:"secret" doc:"name of the Secret"`
	Variables  sinks.Variables `yaml:"variables" doc:"keys in the data of the Secret"`
}

var (
	// label and subdomain are RFC 1123's, as Kubernetes takes them. Source: "Object Names and IDs".
	label     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

// keys is which keys the data of a Secret may have. A field manager, whose name holds one, has at most 128 bytes.
// Source: "Secrets", section "Constraints on Secret names and data".
var keys = vars.Rule{
	Form: regexp.MustCompile(`^(\.?[A-Za-z0-9_-][A-Za-z0-9._-]*)$`),
	Says: "letters, digits, dots, - and _, and not start with two dots",
	Max:  100,
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if (c.Kubeconfig != "") == c.InCluster {
		bad("kubeconfig", "exactly one of kubeconfig and in_cluster: true must be given")
	}
	if c.Context != "" && c.Kubeconfig == "" {
		bad("context", "is that of a kubeconfig, and none is given")
	}
	if !label.MatchString(c.Namespace) {
		bad("namespace", "must be the name of a namespace: small letters, digits and -")
	}
	if !subdomain.MatchString(c.Secret) || len(c.Secret) > 253 {
		bad("secret", "must be the name of a Secret: small letters, digits, - and dots")
	}
	return errors.Join(append(errs, keys.Validate(c.Variables, ""))...)
}

// Destination names the two keys that a push changes.
func (c *Config) Destination() string {
	cluster := fmt.Sprintf("kubeconfig %q context %q", c.Kubeconfig, c.Context)
	if c.InCluster {
		cluster = "in cluster"
	}
	return fmt.Sprintf("kubernetes %s %s/%s keys %q %q", cluster, c.Namespace, c.Secret, c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
