package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator/schedule"
	"keyturn/sinks"
)

// Decode reads one document strictly into v, a pointer to a struct, whose values are the defaults. Name
// stands in the errors, all of which are returned at once as [Errors].
//
// A field may be a string, a bool, an integer, a time.Duration (Go's form, and d for days), a [secret.Ref], a
// [sinks.Evidence], any (texts, numbers, bools, maps and lists), a struct, a pointer, a list or a map by name of these. See
// [Reference] for the tags.
func Decode(name string, data []byte, v any) error {
	r := &report{file: name}
	if root := parse(r, data); root != nil {
		decoder{r}.decode(root, nil, reflect.ValueOf(v).Elem())
	}
	return r.err()
}

// decoder fills Go values from nodes. What is decoded over existing values replaces only what the document names.
type decoder struct{ *report }

// fromNode is a type that reads itself.
type fromNode interface {
	fromNode(d decoder, n *node, p path)
}

// defaulter is a type whose values in lists and maps do not start empty.
type defaulter interface{ setDefaults() }

func (d decoder) decode(n *node, p path, v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *later:
		d.fail(n.place(), p, notYet)
		return
	case fromNode:
		at.fromNode(d, n, p)
		return
	case *secret.Ref:
		d.ref(n, p, at)
		return
	case *time.Duration:
		d.duration(n, p, at)
		return
	case *sinks.Evidence:
		d.evidence(n, p, at)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.fields(n, p, v)
	case reflect.Map:
		d.entries(n, p, v)
	case reflect.Slice:
		d.items(n, p, v)
	case reflect.Pointer:
		d.pointer(n, p, v)
	case reflect.Interface:
		d.anything(n, p, v)
	default:
		d.scalar(n, p, v)
	}
}

// expect says whether n has the shape, and complains if not. A map without a body is an empty map.
func (d decoder) expect(n *node, p path, want shape) bool {
	switch {
	case n.shape == want || n.shape == nothing && want == mapping:
		return true
	case n.shape == nothing:
		d.fail(n.place(), p, "has no value")
	case want == text && (n.shape == number || n.shape == boolean):
		d.fail(n.place(), p, "must be text: put it in quotes")
	default:
		d.fail(n.place(), p, "must be %s", wanted[want])
	}
	return false
}

var wanted = map[shape]string{text: "text", number: "a whole number", boolean: "true or false", mapping: "a map of keys and values", list: "a list"}

func (d decoder) fields(n *node, p path, v reflect.Value) {
	if !d.expect(n, p, mapping) {
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range n.entries {
		d.field(e, p, v, fields)
	}
}

func (d decoder) field(e entry, p path, v reflect.Value, fields []field) {
	for _, f := range fields {
		if f.name != e.name {
			continue
		}
		target := v.FieldByIndex(f.index)
		before := len(d.errs)
		d.decode(e.value, p.add(e.name), target)
		if len(f.oneof) > 0 && len(d.errs) == before && !slices.Contains(f.oneof, target.String()) {
			d.fail(e.value.at, p.add(e.name), "must be %s", either(f.oneof))
		}
		return
	}
	d.fail(e.value.key, p.add(e.name), "unknown key%s", meant(e.name, names(fields)))
}

// entries puts what the document names over what is there, in a map of its own.
func (d decoder) entries(n *node, p path, v reflect.Value) {
	if v.Type().Key().Kind() != reflect.String {
		d.unsupported(n, p, v)
		return
	}
	if !d.expect(n, p, mapping) {
		return
	}
	out := copyMap(v)
	for _, e := range n.entries {
		value := fresh(v.Type().Elem())
		d.decode(e.value, p.add(e.name), value)
		out.SetMapIndex(reflect.ValueOf(e.name).Convert(v.Type().Key()), value)
	}
	v.Set(out)
}

// items replaces the list that is there.
func (d decoder) items(n *node, p path, v reflect.Value) {
	if !d.expect(n, p, list) {
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.items))
	for i, item := range n.items {
		value := fresh(v.Type().Elem())
		d.decode(item, p.item(i), value)
		out = reflect.Append(out, value)
	}
	v.Set(out)
}

func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if with, ok := v.Interface().(defaulter); ok {
		with.setDefaults()
	}
	return v.Elem()
}

func (d decoder) pointer(n *node, p path, v reflect.Value) {
	if n.shape == nothing {
		d.fail(n.place(), p, "has no value")
		return
	}
	value := fresh(v.Type().Elem())
	if !v.IsNil() {
		value.Set(v.Elem())
	}
	d.decode(n, p, value)
	v.Set(value.Addr())
}

func (d decoder) anything(n *node, p path, v reflect.Value) {
	if v.NumMethod() > 0 {
		d.unsupported(n, p, v)
		return
	}
	if value := d.value(n, p); value != nil {
		v.Set(reflect.ValueOf(value))
	}
}

func (d decoder) value(n *node, p path) any {
	switch n.shape {
	case text:
		return n.text
	case boolean:
		return strings.EqualFold(n.text, "true")
	case number:
		i, ok := whole(n.text)
		if !ok {
			d.fail(n.at, p, "must be a whole number, or text in quotes")
		}
		return i
	case mapping:
		out := map[string]any{}
		for _, e := range n.entries {
			out[e.name] = d.value(e.value, p.add(e.name))
		}
		return out
	case list:
		out := []any{}
		for i, item := range n.items {
			out = append(out, d.value(item, p.item(i)))
		}
		return out
	}
	return nil
}

func (d decoder) scalar(n *node, p path, v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		if d.expect(n, p, text) {
			v.SetString(n.text)
		}
	case v.Kind() == reflect.Bool:
		if d.expect(n, p, boolean) {
			v.SetBool(strings.EqualFold(n.text, "true"))
		}
	case v.CanInt() || v.CanUint():
		d.integer(n, p, v)
	default:
		d.unsupported(n, p, v)
	}
}

func (d decoder) integer(n *node, p path, v reflect.Value) {
	if !d.expect(n, p, number) {
		return
	}
	i, ok := whole(n.text)
	switch {
	case !ok:
		d.fail(n.at, p, "must be a whole number")
	case v.CanInt() && !v.OverflowInt(i):
		v.SetInt(i)
	case v.CanUint() && i >= 0 && !v.OverflowUint(uint64(i)):
		v.SetUint(uint64(i))
	default:
		d.fail(n.at, p, "out of range")
	}
}

// whole reads plain decimal numbers. YAML's others (010, 0x10, 1_0) mean different things to different readers.
func whole(s string) (int64, bool) {
	i, err := strconv.ParseInt(s, 10, 64)
	return i, err == nil && strconv.FormatInt(i, 10) == s
}

func (d decoder) unsupported(n *node, p path, v reflect.Value) {
	d.fail(n.place(), p, "cannot be configured: keyturn does not know how to read a %s", v.Type())
}

func (d decoder) duration(n *node, p path, v *time.Duration) {
	const want = "must be a duration such as 90s, 1h30m or 30d"
	if n.shape == number && n.text == "0" {
		*v = 0
		return
	}
	if n.shape != text {
		d.fail(n.place(), p, want)
		return
	}
	got, err := schedule.ParseDuration(n.text)
	if err != nil {
		d.fail(n.at, p, want)
		return
	}
	*v = got
}

func (d decoder) evidence(n *node, p path, v *sinks.Evidence) {
	got, err := sinks.ParseEvidence(n.text)
	switch {
	case n.shape != text || err != nil || got == sinks.None:
		d.fail(n.place(), p, "must be accepted, stamped, partial, exact or canary")
	default:
		*v = got
	}
}

// either joins names for a sentence: "a, b or c".
func either(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
