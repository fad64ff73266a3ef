package builtin

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"keyturn/config"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

// Every folder that defines a kind is in the list under its own name, and runs the suite.
func TestEveryKindIsListedAndRunsTheSuite(t *testing.T) {
	listed := map[string]bool{}
	for _, s := range All {
		folder := strings.ReplaceAll(s.Kind, "-", "") // "pulumi-esc" is package pulumiesc
		if listed[folder] {
			t.Errorf("%s is listed twice", s.Kind)
		}
		listed[folder] = true
	}
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		name := f.Name()
		code, tests := sources(t, filepath.Join("..", name))
		if name == "sinktest" || !strings.Contains(code, "sinks.Define(") {
			continue
		}
		if !listed[name] {
			t.Errorf("sinks/%s defines a kind that is not listed", name)
		}
		delete(listed, name)
		if !strings.Contains(tests, "sinktest.Run(") {
			t.Errorf("the tests of sinks/%s do not call sinktest.Run", name)
		}
	}
	for kind := range listed {
		t.Errorf("%s is listed and has no folder of its own", kind)
	}
}

// sources are the program and the tests of one folder.
func sources(t *testing.T, dir string) (code, tests string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			tests += string(text)
		} else {
			code += string(text)
		}
	}
	return code, tests
}

// What the doc page shows is a configuration that works.
func TestEveryExampleIsAValidConfiguration(t *testing.T) {
	for _, s := range All {
		t.Run(s.Kind, func(t *testing.T) {
			text, err := sinktest.Example(s)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := decode(s, text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if err := cfg.Validate(); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
			if cfg.Destination() == "" {
				t.Error("the example has no destination")
			}
		})
	}
}

// decode reads "KIND: {...}" over the defaults of the kind.
func decode(s sinks.Spec, text string) (sinks.Config, error) {
	cfg := s.New()
	document := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Kind", Type: reflect.TypeOf(cfg), Tag: reflect.StructTag(`yaml:"` + s.Kind + `"`),
	}}))
	document.Elem().Field(0).Set(reflect.ValueOf(cfg))
	if err := config.Decode("example", []byte(text), document.Interface()); err != nil {
		return nil, err
	}
	return document.Elem().Field(0).Interface().(sinks.Config), nil
}
