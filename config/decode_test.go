package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyturn/sinks"
)

type inner struct {
	N int8 `yaml:"n"`
}

type everything struct {
	Text   string            `yaml:"text"`
	Bool   *bool             `yaml:"bool"`
	Uint   uint16            `yaml:"uint"`
	Wait   time.Duration     `yaml:"wait"`
	Level  sinks.Evidence    `yaml:"level"`
	Inner  inner             `yaml:"inner"`
	Ptr    *inner            `yaml:"ptr"`
	Many   []inner           `yaml:"many"`
	Named  map[string]*inner `yaml:"named"`
	Any    any               `yaml:"any"`
	Float  float64           `yaml:"float"`
	ByInt  map[int]string    `yaml:"by_int"`
	NoTag  string
	Hidden string `yaml:"-"`
}

func TestDecode(t *testing.T) {
	yes := true
	kept := &inner{N: 1}
	got := everything{Text: "kept", Ptr: kept, Named: map[string]*inner{"a": {1}}}
	err := Decode("x.yaml", []byte(`
bool: TRUE
uint: 65535
wait: 1d
level: partial
inner: { n: -128 }
ptr: { n: 2 }
many: [{ n: 1 }, {}]
named: { b: { n: 2 } }
any: { a: [1, "1", false, null, { b: c }] }
notag: |
  two
  lines
`), &got)
	want := everything{
		Text: "kept", Bool: &yes, Uint: 65535, Wait: 24 * time.Hour, Level: sinks.Partial, Inner: inner{-128}, Ptr: &inner{2},
		Many: []inner{{1}, {}}, Named: map[string]*inner{"a": {1}, "b": {2}}, NoTag: "two\nlines\n",
		Any: map[string]any{"a": []any{int64(1), "1", false, nil, map[string]any{"b": "c"}}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if kept.N != 1 {
		t.Error("what the defaults point to must not change")
	}
}

func TestDecodeRefuses(t *testing.T) {
	for doc, want := range map[string]string{
		"bool: yes":              "x.yaml:1:7: bool: must be true or false",
		"bool:":                  "x.yaml:1:1: bool: has no value",
		"bool: \"true\"":         "x.yaml:1:7: bool: must be true or false",
		"text:":                  "x.yaml:1:1: text: has no value",
		"text: 1":                "x.yaml:1:7: text: must be text: put it in quotes",
		"text: {}":               "x.yaml:1:1: text: must be text",
		"uint: -1":               "x.yaml:1:7: uint: out of range",
		"uint: 65536":            "x.yaml:1:7: uint: out of range",
		"inner: { n: 128 }":      "x.yaml:1:13: inner.n: out of range",
		"many: [{ n: x }]":       "x.yaml:1:13: many[0].n: must be a whole number",
		"many: {}":               "x.yaml:1:1: many: must be a list",
		"ptr:":                   "x.yaml:1:1: ptr: has no value",
		"float: 1.5":             "x.yaml:1:8: float: cannot be configured: keyturn does not know how to read a float64",
		"by_int: { 1: x }":       "x.yaml:1:1: by_int: cannot be configured: keyturn does not know how to read a map[int]string",
		"hidden: x":              "x.yaml:1:1: hidden: unknown key; there are text, bool, uint, wait, level, inner, ptr, many, named, any, float, by_int, notag",
		"wait: 1.5":              "x.yaml:1:7: wait: must be a duration such as 90s, 1h30m or 30d",
		"level: best":            "x.yaml:1:8: level: must be accepted, stamped, partial, exact or canary",
		"\ufefftext: x\ntxt: x":  "x.yaml:2:1: txt: unknown key, did you mean text",
		"text: x\r\ntxt: x\r\n":  "x.yaml:2:1: txt: unknown key, did you mean text",
		"named: { ~: { n: 1 } }": "x.yaml:1:10: named: a key must be a name",
	} {
		var v everything
		if err := Decode("x.yaml", []byte(doc), &v); err == nil || err.Error() != want {
			t.Errorf("%q\ngot  %v\nwant %s", doc, err, want)
		}
	}
}
