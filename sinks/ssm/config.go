package ssm

import (
	_ "embed"
	"errors"
	"regexp"
	"strings"

	"keyturn/sinks"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "ssm",
	Summary:  "two fields of the JSON object in a SecureString parameter of AWS Systems Manager",
	Best:     sinks.Exact,
	Verified: "the project's stand-in for AWS, through the AWS SDK; not yet against AWS itself",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

// Config says which parameter, and which fields of it.
type Config struct {
	Name      string          `yaml:"name" doc:"name of the parameter; required"`
	Region    string          `yaml:"region" doc:"where it is; default: aws.region"`
	Account   string          `yaml:"account" doc:"a name under aws.accounts; default: the SDK's own credentials"`
	KMSKeyID  string          `yaml:"kms_key_id" doc:"id, ARN or alias of the key that encrypts it; default: the key it has, or aws/ssm"`
	Variables sinks.Variables `yaml:"variables" doc:"the names of the fields"`
}

// Source: Systems Manager API Reference, PutParameter, Name.
const (
	maxName   = 1011
	maxLevels = 15
)

var (
	parameterName = regexp.MustCompile(`^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
	regionName    = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	keyName       = regexp.MustCompile(`^[A-Za-z0-9:/_-]{1,256}$`)
)

// Validate implements sinks.Config.
func (c *Config) Validate() error {
	errs := []error{c.validName(), c.Variables.Validate("variables")}
	if c.Region != "" && !regionName.MatchString(c.Region) {
		errs = append(errs, sinks.Fieldf("region", "is not the name of a region"))
	}
	if c.KMSKeyID != "" && !keyName.MatchString(c.KMSKeyID) {
		errs = append(errs, sinks.Fieldf("kms_key_id", "is not the id, the ARN or the alias of a key"))
	}
	return errors.Join(errs...)
}

func (c *Config) validName() error {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(c.Name, "/")), "/")
	switch {
	case c.Name == "":
		return sinks.Fieldf("name", "must not be empty")
	case len(c.Name) > maxName || !parameterName.MatchString(c.Name):
		return sinks.Fieldf("name", "must be letters, digits and _.- in levels separated by /")
	case strings.Contains(c.Name, "/") && !strings.HasPrefix(c.Name, "/"):
		return sinks.Fieldf("name", "of several levels must begin with /")
	case strings.Count(strings.TrimPrefix(c.Name, "/"), "/") >= maxLevels:
		return sinks.Fieldf("name", "must have at most 15 levels")
	case strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm"):
		return sinks.Fieldf("name", "must not begin with aws or ssm: Parameter Store keeps those for itself")
	}
	return nil
}

// Destination implements sinks.Config.
func (c *Config) Destination() string {
	v := c.Variables
	return strings.Join([]string{c.Account, c.Region, c.Name, v.AccessKeyID, v.SecretAccessKey, v.SessionToken}, "\n")
}
