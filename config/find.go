package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"keyturn/sinks"
)

// Places are where Find looks when it is not told.
var Places = []string{"keyturn.yaml", "/etc/keyturn/keyturn.yaml"}

// Find is the path of the configuration: explicit (--config) if given, then env (KEYTURN_CONFIG), then the first of
// Places that exists. What is named is not looked for anywhere else.
func Find(explicit, env string) (string, error) {
	if explicit != "" {
		return explicit, nil
	}
	if env != "" {
		return env, nil
	}
	for _, p := range Places {
		if _, err := os.Stat(p); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return p, nil // one that is there and cannot be read must not be passed over
		}
	}
	return "", fmt.Errorf("no configuration: looked for %s; name it with --config or KEYTURN_CONFIG", strings.Join(Places, ", "))
}

// LoadFile reads the file at path, at most MaxSize of it, and loads it.
func LoadFile(path string, specs []sinks.Spec) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Load(path, data, specs)
}
