package file

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"keyturn/sinks"
)

//go:embed doc.go
var source string

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "file",
	Summary:  "an AWS credentials profile, two dotenv variables or two JSON fields in a file on this machine",
	Best:     sinks.Exact,
	Verified: "real files on Linux; profiles are read back with the AWS SDK's own reader",
	Source:   source,
	Defaults: Config{Format: formatCredentials, Readers: readersOwner, Variables: sinks.DefaultVariables},
	Open:     open,
})

const (
	formatCredentials = "credentials"
	formatDotenv      = "dotenv"
	formatJSON        = "json"

	readersOwner = "owner"
	readersGroup = "group"

	defaultProfile = "default"

	// maxName leaves room for what the names of the lock and of temporary files add; file
	// systems allow 255 bytes.
	maxName = 200
)

// Config says which file, and what in it.
type Config struct {
	Path      string          `yaml:"path" doc:"the file; links are followed, and what they point to is replaced"`
	Format    string          `yaml:"format" doc:"credentials (AWS shared credentials file), dotenv or json"`
	Profile   string          `yaml:"profile" doc:"credentials: the section; default is default"`
	Object    []string        `yaml:"object" doc:"json: names that lead to the object that holds the pair; without it, the outermost"`
	Readers   string          `yaml:"readers" doc:"owner (mode 0600) or group (mode 0640)"`
	Variables sinks.Variables `yaml:"variables" doc:"dotenv, json: the names of the variables or fields"`
}

var (
	profileName  = regexp.MustCompile(`^[^\s\[\]#;]+$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Validate names every field that is wrong.
func (c *Config) Validate() error {
	errs := []error{c.validatePath()}
	switch c.Readers {
	case readersOwner, readersGroup:
	default:
		errs = append(errs, sinks.Fieldf("readers", "must be owner or group"))
	}
	switch c.Format {
	case formatCredentials:
		if c.Profile != "" && !profileName.MatchString(c.Profile) {
			errs = append(errs, sinks.Fieldf("profile", "must not hold blanks, brackets, # or ;"))
		}
		if c.Variables != sinks.DefaultVariables {
			errs = append(errs, sinks.Fieldf("variables", "is for dotenv and json: the names in a credentials file are fixed"))
		}
	case formatDotenv:
		errs = append(errs, c.validateVariables())
	case formatJSON:
		errs = append(errs, c.Variables.Validate("variables"))
	default:
		errs = append(errs, sinks.Fieldf("format", "must be credentials, dotenv or json"))
	}
	if c.Profile != "" && c.Format != formatCredentials {
		errs = append(errs, sinks.Fieldf("profile", "is for the format credentials"))
	}
	if len(c.Object) > 0 && c.Format != formatJSON {
		errs = append(errs, sinks.Fieldf("object", "is for the format json"))
	}
	return errors.Join(errs...)
}

func (c *Config) validatePath() error {
	base := filepath.Base(c.Path)
	switch {
	case c.Path == "":
		return sinks.Fieldf("path", "must not be empty")
	case strings.ContainsRune(c.Path, 0):
		return sinks.Fieldf("path", "must not hold a zero byte")
	case strings.HasPrefix(c.Path, "~"):
		return sinks.Fieldf("path", "~ is not expanded: write the whole path")
	case strings.HasSuffix(c.Path, "/") || base == "." || base == "..":
		return sinks.Fieldf("path", "must name a file, not a folder")
	case len(base) > maxName:
		return sinks.Fieldf("path", "the file's name must not be longer than %d bytes", maxName)
	}
	return nil
}

func (c *Config) validateVariables() error {
	if err := c.Variables.Validate("variables"); err != nil {
		return err
	}
	for _, name := range []string{c.Variables.AccessKeyID, c.Variables.SecretAccessKey, c.Variables.SessionToken} {
		if !variableName.MatchString(name) {
			return sinks.Fieldf("variables", "names must be letters, digits and _, and not start with a digit")
		}
	}
	return nil
}

// Destination is the file, and what in it is changed.
func (c *Config) Destination() string {
	v := fmt.Sprintf("%q %q %q", c.Variables.AccessKeyID, c.Variables.SecretAccessKey, c.Variables.SessionToken)
	switch c.Format {
	case formatCredentials:
		return fmt.Sprintf("%q profile %q", c.absolute(), c.profile())
	case formatJSON:
		return fmt.Sprintf("%q fields %s of %q", c.absolute(), v, c.Object)
	}
	return fmt.Sprintf("%q variables %s", c.absolute(), v)
}

// absolute is the path, taken from the working directory if it is relative.
func (c *Config) absolute() string {
	abs, err := filepath.Abs(c.Path)
	if err != nil {
		return filepath.Clean(c.Path)
	}
	return abs
}

func (c *Config) profile() string {
	if c.Profile == "" {
		return defaultProfile
	}
	return c.Profile
}

func open(_ context.Context, c *Config, _ sinks.Env) (sinks.Sink, error) {
	s := &sink{path: c.absolute(), relative: !filepath.IsAbs(c.Path), mode: 0o600, syncDir: syncDir}
	if c.Readers == readersGroup {
		s.mode = 0o640
	}
	switch c.Format {
	case formatCredentials:
		s.format = credentials{profile: c.profile()}
	case formatDotenv:
		s.format = dotenv{names: c.Variables}
	case formatJSON:
		s.format = object{path: c.Object, names: c.Variables}
	default:
		return nil, fmt.Errorf("file: unknown format %q", c.Format)
	}
	return s, nil
}

// utf8Mark is the byte order mark that some editors put first.
var utf8Mark = []byte("\xef\xbb\xbf")

// plain says whether every reader sees the same lines in text.
func plain(text []byte) error {
	switch {
	case bytes.HasPrefix(text, utf8Mark):
		return errors.New("starts with a byte order mark")
	case bytes.IndexByte(text, 0) >= 0:
		return errors.New("is not a text file (it holds zero bytes)")
	case bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")):
		return errors.New("has a carriage return that does not end a line")
	}
	return nil
}
