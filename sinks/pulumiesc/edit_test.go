package pulumiesc

import (
	"strings"
	"testing"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

var awsPath = []string{"values", "aws"}

var short = sinks.Variables{AccessKeyID: "id", SecretAccessKey: "key", SessionToken: "session"}

func TestOnlyThePairIsEdited(t *testing.T) {
	for name, c := range map[string]struct{ before, after string }{
		"an empty environment": {
			"",
			"values:\n  aws:\n    id:\n      fn::secret: \"AKIANEW\"\n    key:\n      fn::secret: \"new/+secret\"\n",
		},
		"an environment of comments": {
			"# later",
			"# later\nvalues:\n  aws:\n    id:\n      fn::secret: \"AKIANEW\"\n    key:\n      fn::secret: \"new/+secret\"\n",
		},
		"an empty object": {
			"{}",
			"{values: {aws: {id: {fn::secret: \"AKIANEW\"}, key: {fn::secret: \"new/+secret\"}}}}",
		},
		"values without a value": {
			"imports:\n- a/b\nvalues:\n",
			"imports:\n- a/b\nvalues:\n  aws:\n    id:\n      fn::secret: \"AKIANEW\"\n    key:\n      fn::secret: \"new/+secret\"\n",
		},
		"only imports": {
			"imports:\n- a/b\n",
			"imports:\n- a/b\nvalues:\n  aws:\n    id:\n      fn::secret: \"AKIANEW\"\n    key:\n      fn::secret: \"new/+secret\"\n",
		},
		"ciphertexts, comments and blank lines": {
			`# owned by platform
imports:
  - base/region   # first

values:
  aws:
    # who we are
    id:
      fn::secret:
        ciphertext: ZXNjAAA=   # rotated
    other: {fn::secret: {ciphertext: ZXNjBBB=}}

    key: # do not print
      fn::secret:
        ciphertext: ZXNjCCC=
  # what comes last
  pulumiConfig: {aws:region: eu-central-1, "x":1, 'y': [a:b, c]}
  é: "ü: #"   # tail
`,
			`# owned by platform
imports:
  - base/region   # first

values:
  aws:
    # who we are
    id:
      fn::secret: "AKIANEW"   # rotated
    other: {fn::secret: {ciphertext: ZXNjBBB=}}

    key: # do not print
      fn::secret: "new/+secret"
  # what comes last
  pulumiConfig: {aws:region: eu-central-1, "x":1, 'y': [a:b, c]}
  é: "ü: #"   # tail
`,
		},
		"between braces": {
			"values: {a: 1, aws: { session: {fn::secret: x}, id: {fn::secret: {ciphertext: ZXN=}}, key: 'it''s' }, z: 2} # end\n",
			"values: {a: 1, aws: { id: {fn::secret: \"AKIANEW\"}, key: {fn::secret: \"new/+secret\"} }, z: 2} # end\n",
		},
		"a token that comes last between braces": {
			"values: {aws: {id: x, key: y, session: \"a\\\"}b\"}}",
			"values: {aws: {id: \"AKIANEW\", key: {fn::secret: \"new/+secret\"}}}",
		},
		"a plain key id stays plain and a plain secret does not": {
			"values:\n  aws:\n    id: AKIAOLD # shown\n    key: plain\n",
			"values:\n  aws:\n    id: \"AKIANEW\" # shown\n    key: {fn::secret: \"new/+secret\"}\n",
		},
		"a token between others": {
			"values:\n  aws:\n    id:\n      fn::secret: x\n    session:\n      fn::secret:\n        ciphertext: y\n    # about z\n    z: 1\n    key: \n      fn::secret: \"q\"\n",
			"values:\n  aws:\n    id:\n      fn::secret: \"AKIANEW\"\n    # about z\n    z: 1\n    key: \n      fn::secret: \"new/+secret\"\n",
		},
		"new values after the last one": {
			"values:\n  aws:\n    list:\n    - a\n    - b\n    text: |\n      # no comment\n\n      more\n\n  # next\n  z: 1",
			"values:\n  aws:\n    list:\n    - a\n    - b\n    text: |\n      # no comment\n\n      more\n    id:\n      fn::secret: \"AKIANEW\"\n    key:\n      fn::secret: \"new/+secret\"\n\n  # next\n  z: 1",
		},
		"no line end at the end": {
			"values:\n  aws:\n    region: x",
			"values:\n  aws:\n    region: x\n    id:\n      fn::secret: \"AKIANEW\"\n    key:\n      fn::secret: \"new/+secret\"\n",
		},
		"values that are empty": {
			"values:\n  aws:\n    id:\n    key: # here\n",
			"values:\n  aws:\n    id: \"AKIANEW\"\n    key: {fn::secret: \"new/+secret\"} # here\n",
		},
		"a digit in front": {
			"values:\n  aws:\n    id: 12345\n    key: 1.5\n",
			"values:\n  aws:\n    id: \"AKIANEW\"\n    key: {fn::secret: \"new/+secret\"}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := edited(c.before, awsPath, short, pair)
			if err != nil || got != c.after {
				t.Fatalf("%v\n%s\nwant\n%s", err, got, c.after)
			}
			again, err := edited(got, awsPath, short, pair)
			if err != nil || again != got {
				t.Errorf("edited again: %v\n%s", err, again)
			}
		})
	}
}

func TestWhatCannotBeEditedIsRefused(t *testing.T) {
	const form = "the YAML around the pair cannot be edited in place"
	for name, c := range map[string]struct{ text, want string }{
		"a reference":                  {"values: {aws: {id: \"${login.id}\"}}", "id refers to another value: set path and variables to where that one is"},
		"a provider":                   {"values:\n  aws:\n    id:\n      fn::open::aws-login: {}\n", "id holds something else than a text or fn::secret"},
		"a list":                       {"values:\n  aws:\n    key: [a]\n", "key holds something else than a text or fn::secret"},
		"an alias":                     {"values:\n  x: &x a\n  aws:\n    key: *x\n", "key holds something else than a text or fn::secret"},
		"a reference in place of it":   {"values:\n  aws: ${login}\n", "values.aws is not an object that can be edited"},
		"a list in place of values":    {"values:\n- a\n", "values is not an object that can be edited"},
		"a block text":                 {"values:\n  aws:\n    key:\n      fn::secret: |\n        a\n", form},
		"null between braces":          {"values: {aws: }", form},
		"a word for nothing":           {"values:\n  aws: ~\n", form},
		"two documents":                {"a: 1\n---\nb: 1\n", "the definition is not one YAML document that can be read"},
		"no YAML":                      {"values: {", "the definition is not one YAML document that can be read"},
		"a name that is there twice":   {"a: 1\na: 2\n", "the definition is not one YAML document that can be read"},
		"an anchor on what is removed": {"values:\n  aws:\n    session: &s x\n  y: *s\n", form},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := edited(c.text, awsPath, short, pair)
			if err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s\n%s", err, c.want, got)
			}
		})
	}
}

// Whatever the definition, an edit touches nothing else or fails.
func FuzzEdit(f *testing.F) {
	f.Add("values:\n  aws:\n    id:\n      fn::secret:\n        ciphertext: ZXNj # c\n    key: {fn::secret: x}\n    session: y\n  z: 1\n")
	f.Add("values: {aws: {id: a, key: 'b', session: \"c\"}}")
	f.Add("values:\n  aws:\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := edited(text, awsPath, short, pair)
		if err != nil {
			return
		}
		if !holds(got, awsPath, short, pair) || strings.Count(got, "AKIANEW") != 1+strings.Count(text, "AKIANEW") && !strings.Contains(text, "AKIANEW") {
			t.Errorf("%q became %q", text, got)
		}
	})
}
