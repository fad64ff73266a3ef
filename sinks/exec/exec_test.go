package exec

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"keyturn/internal/secret"
)

func TestConfigurationsAreValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a command":            {func(*Config) {}, ""},
		"no command":           {func(c *Config) { c.Command = nil }, "command: must name a program"},
		"an empty command":     {func(c *Config) { c.Command = []string{""} }, "command: must name a program"},
		"no time":              {func(c *Config) { c.Timeout = 0 }, "timeout: must be longer than 0"},
		"an empty reference":   {func(c *Config) { c.Secrets = map[string]secret.Ref{"a": {}} }, "secrets: every secret must be a reference: env, file or command"},
		"two mistakes at once": {func(c *Config) { c.Command, c.Timeout = nil, -1 }, "command: must name a program\ntimeout: must be longer than 0"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.Command = []string{"x"}
			c.change(cfg)
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestDestinationsNameWhatIsChanged(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"command and config": {Config{Command: []string{"a", "b"}, Config: map[string]string{"y": "2", "x": "1"}}, `command ["a" "b"] config {"x":"1","y":"2"}`},
		"a name":             {Config{Command: []string{"a"}, Where: "store 7"}, `destination "store 7"`},
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
	example, _, _ := strings.Cut("\tsinks:"+rest, "\n\n")
	var parsed struct {
		Sinks map[string]map[string]Config `yaml:"sinks"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(strings.ReplaceAll(example, "\t", "")), &parsed, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	cfg := parsed.Sinks["legacy"]["exec"]
	if err := cfg.Validate(); err != nil || cfg.Secrets["token"].File == "" || cfg.Where == "" {
		t.Errorf("%+v: %v", cfg, err)
	}
	if !strings.Contains(Spec.Doc, "Verified against: "+Spec.Verified+".\n") {
		t.Errorf("the page does not say what Spec.Verified says")
	}
}
