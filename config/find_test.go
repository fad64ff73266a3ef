package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	here := "keyturn.yaml"
	if _, err := os.Stat(Places[1]); err == nil {
		t.Fatalf("%s exists on this machine", Places[1])
	}
	_, err := Find("", "")
	const want = "no configuration: looked for keyturn.yaml, /etc/keyturn/keyturn.yaml; name it with --config or KEYTURN_CONFIG"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(here, []byte(seal), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ explicit, env, want string }{
		"the flag comes first":   {"flag.yaml", "env.yaml", "flag.yaml"},
		"then the environment":   {"", "env.yaml", "env.yaml"},
		"then where it is found": {"", "", here},
	} {
		if got, err := Find(tt.explicit, tt.env); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	if cfg, err := LoadFile(here, specs); err != nil || cfg.Seal.Key.File != "k" {
		t.Errorf("got %v, %v", cfg, err)
	}
}

func TestLoadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	none, large := filepath.Join(dir, "none.yaml"), filepath.Join(dir, "large.yaml")
	if _, err := LoadFile(none, specs); !errors.Is(err, fs.ErrNotExist) || err.Error() != "read configuration: open "+none+": no such file or directory" {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(large, make([]byte, MaxSize+1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadFile(large, specs); err == nil || err.Error() != large+": larger than 1048576 bytes" {
		t.Errorf("got %v", err)
	}
}
