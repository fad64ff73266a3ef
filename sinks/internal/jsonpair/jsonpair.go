// Package jsonpair keeps a pair in two fields of one JSON object, beside fields that belong to
// somebody else. Those keep their order and the spelling of their values; the white space between
// fields does not stay.
package jsonpair

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// ErrNotObject says that a text is not one JSON object. It holds nothing of the text.
var ErrNotObject = errors.New("the value is not a JSON object")

// Object is a JSON object. The zero Object is empty.
type Object struct{ fields func() []field } // a closure, so that no verb of fmt prints the values

type field struct {
	name  string
	value json.RawMessage
}

func of(fields []field) Object { return Object{fields: func() []field { return fields }} }

func (o Object) list() []field {
	if o.fields == nil {
		return nil
	}
	return o.fields()
}

// Parse reads an object.
func Parse(text string) (Object, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return Object{}, ErrNotObject
	}
	var fields []field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return Object{}, ErrNotObject
		}
		f := field{name: name.(string)} // a decoder gives nothing else for a name
		if d.Decode(&f.value) != nil {
			return Object{}, ErrNotObject
		}
		fields = append(fields, f)
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return Object{}, ErrNotObject
	}
	if _, err := d.Token(); err != io.EOF {
		return Object{}, ErrNotObject
	}
	return of(fields), nil
}

// get is the value of a field as readers get it: of several with one name the last.
func (o Object) get(name string) (text string, there bool) {
	for _, f := range o.list() {
		if f.name != name {
			continue
		}
		text, there = "", true
		_ = json.Unmarshal(f.value, &text) // what is no text is no part of a pair
	}
	return text, there
}

// KeyID is the key id that the object serves; "" if it serves none.
func (o Object) KeyID(v sinks.Variables) sinks.KeyID {
	id, _ := o.get(v.AccessKeyID)
	return sinks.KeyID(id)
}

// Serves says whether readers get exactly the pair, without a session token beside it.
func (o Object) Serves(v sinks.Variables, cred sinks.Credential) bool {
	text, _ := o.get(v.SecretAccessKey)
	_, token := o.get(v.SessionToken)
	same := cred.Secret.EqualString(text)
	return same && o.KeyID(v) == cred.KeyID && cred.KeyID != "" && !token
}

// Instead says, for an error, what is served instead of the pair of key want.
func (o Object) Instead(v sinks.Variables, want sinks.KeyID) string {
	switch id := o.KeyID(v); id {
	case "":
		return "no key"
	case want:
		return "another secret, or a session token beside it"
	default:
		return "key " + string(id)
	}
}

// With is the object with the pair in it and no session token.
func (o Object) With(v sinks.Variables, cred sinks.Credential) Object {
	id, _ := json.Marshal(string(cred.KeyID))
	value, _ := json.Marshal(cred.Secret.Reveal())
	fields := set(o.list(), v.AccessKeyID, id)
	fields = set(fields, v.SecretAccessKey, value)
	return of(drop(fields, v.SessionToken))
}

// set gives the first field of that name the value and drops the others.
func set(fields []field, name string, value json.RawMessage) []field {
	var out []field
	done := false
	for _, f := range fields {
		switch {
		case f.name != name:
			out = append(out, f)
		case !done:
			out, done = append(out, field{name, value}), true
		}
	}
	if !done {
		out = append(out, field{name, value})
	}
	return out
}

func drop(fields []field, name string) []field {
	var out []field
	for _, f := range fields {
		if f.name != name {
			out = append(out, f)
		}
	}
	return out
}

// Text is the object as JSON. It holds secrets.
func (o Object) Text() secret.Text {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o.list() {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(f.name)
		b.Write(name)
		b.WriteByte(':')
		b.Write(f.value)
	}
	b.WriteByte('}')
	defer clear(b.Bytes())
	return secret.New(b.Bytes())
}
