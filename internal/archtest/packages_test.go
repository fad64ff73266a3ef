package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const module = "keyturn/"

// pkg is what `go list` says of a package of this module.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// name is the path inside the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages are all packages of the module, those of end-to-end tests too.
var packages = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-tags", "e2e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", module+"...")
	cmd.Env = append(os.Environ(), "GOPROXY=off") // what is to be listed is here
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go list: " + stderr.String())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func list(t *testing.T) []pkg {
	t.Helper()
	all, err := packages()
	if err != nil || len(all) == 0 {
		t.Fatalf("%d packages: %v", len(all), err)
	}
	return all
}

// matches says whether a path is the pattern, or below it if the pattern ends in "/...".
func matches(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(path, below+"/")
	}
	return pattern == path
}
