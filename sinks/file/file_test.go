package file

import (
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"keyturn/sinks"
)

func TestConfigurationsAreValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"the defaults and a path":     {func(*Config) {}, ""},
		"no path":                     {func(c *Config) { c.Path = "" }, "path: must not be empty"},
		"a home directory":            {func(c *Config) { c.Path = "~/.aws/credentials" }, "path: ~ is not expanded: write the whole path"},
		"a folder":                    {func(c *Config) { c.Path = "/a/b/" }, "path: must name a file, not a folder"},
		"a parent folder":             {func(c *Config) { c.Path = "/a/.." }, "path: must name a file, not a folder"},
		"a zero byte":                 {func(c *Config) { c.Path = "/a\x00" }, "path: must not hold a zero byte"},
		"a long name":                 {func(c *Config) { c.Path = "/" + strings.Repeat("x", 201) }, "path: the file's name must not be longer than 200 bytes"},
		"an unknown format":           {func(c *Config) { c.Format = "toml" }, "format: must be credentials, dotenv or json"},
		"unknown readers":             {func(c *Config) { c.Readers = "all" }, "readers: must be owner or group"},
		"a profile with a bracket":    {func(c *Config) { c.Profile = "a]" }, "profile: must not hold blanks, brackets, # or ;"},
		"a profile in a dotenv file":  {func(c *Config) { c.Format, c.Profile = "dotenv", "ci" }, "profile: is for the format credentials"},
		"an object in a dotenv file":  {func(c *Config) { c.Format, c.Object = "dotenv", []string{"a"} }, "object: is for the format json"},
		"names in a credentials file": {func(c *Config) { c.Variables.AccessKeyID = "ID" }, "variables: is for dotenv and json: the names in a credentials file are fixed"},
		"names that no shell takes":   {func(c *Config) { c.Format, c.Variables.AccessKeyID = "dotenv", "a-b" }, "variables: names must be letters, digits and _, and not start with a digit"},
		"the same name twice in dotenv": {func(c *Config) { c.Format, c.Variables.AccessKeyID = "dotenv", "AWS_SESSION_TOKEN" },
			"variables: access_key_id, secret_access_key and session_token must differ"},
		"an empty name in json": {func(c *Config) { c.Format, c.Variables.AccessKeyID = "json", "" },
			"variables: access_key_id, secret_access_key and session_token must not be empty"},
		"two mistakes": {func(c *Config) { c.Path, c.Readers = "", "" }, "path: must not be empty\nreaders: must be owner or group"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.Path = "/etc/x"
			c.change(cfg)
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
				var f *sinks.FieldError
				if !errors.As(err, &f) {
					t.Errorf("%v names no field", err)
				}
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestDestinationsNameWhatIsChanged(t *testing.T) {
	t.Chdir("/")
	variables := sinks.Variables{AccessKeyID: "a", SecretAccessKey: "b", SessionToken: "c"}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"the default profile": {Config{Path: "/x/../y", Format: "credentials"}, `"/y" profile "default"`},
		"a relative path":     {Config{Path: "y", Format: "credentials", Profile: "ci"}, `"/y" profile "ci"`},
		"variables":           {Config{Path: "/y", Format: "dotenv", Variables: variables}, `"/y" variables "a" "b" "c"`},
		"fields":              {Config{Path: "/y", Format: "json", Object: []string{"o", "p"}, Variables: variables}, `"/y" fields "a" "b" "c" of ["o" "p"]`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.cfg.Destination(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheExampleOfThePageIsValid(t *testing.T) {
	_, rest, _ := strings.Cut(Spec.Doc, "\tsinks:")
	example, _, _ := strings.Cut("\tsinks:"+rest, "\n#")
	var parsed struct {
		Sinks map[string]map[string]Config `yaml:"sinks"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(strings.ReplaceAll(example, "\t", "")), &parsed, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if len(parsed.Sinks) != 3 {
		t.Errorf("%d examples, want 3", len(parsed.Sinks))
	}
	if !strings.Contains(Spec.Doc, "Verified against: "+Spec.Verified+".\n") {
		t.Errorf("the page does not say what Spec.Verified says")
	}
}
