package jsonpair

import (
	"fmt"
	"strings"
	"testing"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

var (
	names = sinks.DefaultVariables
	cred  = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}
)

const newPair = `"AWS_ACCESS_KEY_ID":"AKIANEW","AWS_SECRET_ACCESS_KEY":"new/+secret"`

func TestWithReplacesThePairAndNothingElse(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"an empty object":   {`{}`, `{` + newPair + `}`},
		"neighbours stay":   {`{"a":1.50,"b":{"c":[1, 2]},"d":"<&>é\u00e9"}`, `{"a":1.50,"b":{"c":[1, 2]},"d":"<&>é\u00e9",` + newPair + `}`},
		"order stays":       {"{\n \"AWS_SECRET_ACCESS_KEY\": \"o\",\n \"z\": 1, \"AWS_ACCESS_KEY_ID\": \"AKIAOLD\"}\n", `{"AWS_SECRET_ACCESS_KEY":"new/+secret","z":1,"AWS_ACCESS_KEY_ID":"AKIANEW"}`},
		"a token goes":      {`{"AWS_SESSION_TOKEN":"t","x":null}`, `{"x":null,` + newPair + `}`},
		"a double field":    {`{"AWS_ACCESS_KEY_ID":"a","AWS_ACCESS_KEY_ID":"b"}`, `{` + newPair + `}`},
		"fields of no text": {`{"AWS_ACCESS_KEY_ID":1,"AWS_SECRET_ACCESS_KEY":{}}`, `{` + newPair + `}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if o.Serves(names, cred) {
				t.Error("it serves the pair already")
			}
			got := o.With(names, cred)
			if text := got.Text().Reveal(); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
			back, err := Parse(got.Text().Reveal())
			if err != nil || !back.Serves(names, cred) || back.KeyID(names) != "AKIANEW" {
				t.Errorf("read back: %v", err)
			}
			if again := back.With(names, cred).Text(); !again.Equal(got.Text()) {
				t.Error("doing it again changes something")
			}
		})
	}
}

func TestServesWantsTheWholePairAlone(t *testing.T) {
	tests := map[string]struct {
		in   string
		want bool
	}{
		"the pair":              {`{` + newPair + `}`, true},
		"another id":            {`{"AWS_ACCESS_KEY_ID":"AKIAOLD","AWS_SECRET_ACCESS_KEY":"new/+secret"}`, false},
		"another secret":        {`{"AWS_ACCESS_KEY_ID":"AKIANEW","AWS_SECRET_ACCESS_KEY":"old"}`, false},
		"a token beside it":     {`{` + newPair + `,"AWS_SESSION_TOKEN":"t"}`, false},
		"readers take the last": {`{` + newPair + `,"AWS_ACCESS_KEY_ID":"AKIAOLD"}`, false},
		"nothing":               {`{}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := Parse(tt.in)
			if err != nil || o.Serves(names, cred) != tt.want {
				t.Errorf("serves: %t, %v", !tt.want, err)
			}
		})
	}
	if (Object{}).Serves(names, sinks.Credential{}) {
		t.Error("an empty object serves an empty pair")
	}
}

func TestOnlyObjectsAreRead(t *testing.T) {
	for _, in := range []string{``, `null`, `[]`, `"hunter2"`, `hunter2`, `{"a":hunter2}`, `{"a":1`, `{"a":1}x`, `{"a":1}{}`, `{1:2}`, `{"a"}`, `{"a":1,}`} {
		if _, err := Parse(in); err != ErrNotObject {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestNoVerbPrintsAValue(t *testing.T) {
	o, err := Parse(`{"a":"hunter2"}`)
	if err != nil {
		t.Fatal(err)
	}
	held := struct{ o Object }{o}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if s := fmt.Sprintf(verb, held); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a":1.50,"b":{"c":[1, 2]},"AWS_SESSION_TOKEN":"t"}`)
	f.Fuzz(func(t *testing.T, in string) {
		o, err := Parse(in)
		if err != nil {
			return
		}
		back, err := Parse(o.With(names, cred).Text().Reveal())
		if err != nil || !back.Serves(names, cred) {
			t.Errorf("%q does not serve what was put into it: %v", in, err)
		}
	})
}
