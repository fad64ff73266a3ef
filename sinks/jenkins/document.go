package jenkins

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// document is a credential as XML, which is edited in place: every other field keeps its bytes.
type document struct {
	text   []byte
	root   string
	fields []span
	end    int // where the root's end tag begins
}

// span is a field below the root.
type span struct {
	name     string
	from, to int
	value    string // its text, without that of elements in it
}

var errNotXML = errors.New("the answer is not the XML of a credential")

// parse reads a credential.
func parse(text []byte) (document, error) {
	doc := document{text: utf8Of(withoutDeclaration(text))}
	d := xml.NewDecoder(bytes.NewReader(doc.text))
	for depth := 0; ; {
		from := int(d.InputOffset())
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && doc.root != "" && depth == 0:
			return doc, nil
		case err != nil:
			return document{}, errNotXML
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 {
				doc.root = t.Name.Local
			}
			if depth == 2 {
				doc.fields = append(doc.fields, span{name: t.Name.Local, from: from})
			}
		case xml.EndElement:
			if depth == 1 {
				doc.end = from
			}
			if depth == 2 {
				doc.fields[len(doc.fields)-1].to = int(d.InputOffset())
			}
			depth--
		case xml.CharData:
			if depth == 2 {
				doc.fields[len(doc.fields)-1].value += string(t)
			}
		}
	}
}

// withoutDeclaration drops <?xml ..?>: it may say version 1.1, which encoding/xml does not read.
func withoutDeclaration(text []byte) []byte {
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("<?xml")) {
		if _, rest, ok := bytes.Cut(text, []byte("?>")); ok {
			return rest
		}
	}
	return text
}

// utf8Of is text in UTF-8: Jenkins answers in the encoding of its servlet container, which can be Latin-1.
func utf8Of(text []byte) []byte {
	if utf8.Valid(text) {
		return slices.Clone(text)
	}
	var b bytes.Buffer
	for _, c := range text {
		b.WriteRune(rune(c))
	}
	return b.Bytes()
}

// get is the text of a field; "" if there is none.
func (d document) get(name string) string {
	for _, f := range d.fields {
		if f.name == name {
			return strings.TrimSpace(f.value)
		}
	}
	return ""
}

// with is d with another text in a field.
func (d document) with(name, value string) document {
	var b bytes.Buffer
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&b, []byte(value)) // a buffer takes everything
	b.WriteString("</" + name + ">")
	from, to := d.end, d.end
	for _, f := range d.fields {
		if f.name == name {
			from, to = f.from, f.to
		}
	}
	text := slices.Concat(d.text[:from], b.Bytes(), d.text[to:])
	clear(b.Bytes())
	edited, err := parse(text)
	if err != nil {
		return d // an edit of what was parsed parses
	}
	return edited
}

// redacted says whether a secret is in it that Jenkins does not show: to write it back would lose that.
func (d document) redacted() bool { return bytes.Contains(d.text, []byte("<secret-redacted")) }
