package secretsmanager

import (
	_ "embed"
	"errors"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"keyturn/sinks"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "secretsmanager",
	Summary:  "two fields of the JSON object in a secret of AWS Secrets Manager",
	Best:     sinks.Exact,
	Verified: "the project's stand-in for AWS, through the AWS SDK; not yet against AWS itself",
	Source:   source,
	Defaults: Config{Variables: sinks.DefaultVariables},
	Open:     open,
})

// Config says which secret, and which fields of it.
type Config struct {
	SecretID  string          `yaml:"secret_id" doc:"name or ARN of the secret; required"`
	Region    string          `yaml:"region" doc:"where it is; default: the region of the ARN, then aws.region"`
	Account   string          `yaml:"account" doc:"a name under aws.accounts; default: the SDK's own credentials"`
	Variables sinks.Variables `yaml:"variables" doc:"the names of the fields"`
}

var (
	secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`) // CreateSecret, Name
	regionName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
)

// Validate implements sinks.Config.
func (c *Config) Validate() error {
	return errors.Join(c.validID(), c.validRegion(), c.Variables.Validate("variables"))
}

func (c *Config) validID() error {
	switch {
	case c.SecretID == "":
		return sinks.Fieldf("secret_id", "must not be empty")
	case strings.HasPrefix(c.SecretID, "arn:"):
		if a, err := arn.Parse(c.SecretID); err != nil || a.Service != "secretsmanager" || a.Region == "" || !strings.HasPrefix(a.Resource, "secret:") {
			return sinks.Fieldf("secret_id", "must be a name, or of the form arn:aws:secretsmanager:region:111122223333:secret:name")
		}
	case !secretName.MatchString(c.SecretID):
		return sinks.Fieldf("secret_id", "must be 1 to 512 of letters, digits and /_+=.@-")
	}
	return nil
}

func (c *Config) validRegion() error {
	switch {
	case c.Region == "":
		return nil
	case !regionName.MatchString(c.Region):
		return sinks.Fieldf("region", "is not the name of a region")
	case c.arnRegion() != "" && c.arnRegion() != c.Region:
		return sinks.Fieldf("region", "is not the region in the ARN of secret_id")
	}
	return nil
}

// arnRegion is the region of the ARN; "" if secret_id is a name.
func (c *Config) arnRegion() string {
	a, err := arn.Parse(c.SecretID)
	if err != nil {
		return ""
	}
	return a.Region
}

// place is the region that is asked for; "" is the configured one.
func (c *Config) place() string {
	if c.Region != "" {
		return c.Region
	}
	return c.arnRegion()
}

// Destination implements sinks.Config.
func (c *Config) Destination() string {
	v := c.Variables
	return strings.Join([]string{c.Account, c.place(), c.SecretID, v.AccessKeyID, v.SecretAccessKey, v.SessionToken}, "\n")
}
