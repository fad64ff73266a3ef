package config

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"keyturn/sinks"
)

// expand replaces ${name} by its value; $${ stands for a plain ${. Errors hold nothing of s.
func expand(s string, values map[string]string) (string, error) {
	var b strings.Builder
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		name, rest, closed := strings.Cut(s[i+2:], "}")
		value, known := values[name]
		if !closed || !known {
			return "", errors.New("unknown placeholder; there are " + placeholders(values) + ", and $${ stands for a plain ${")
		}
		b.WriteString(s[:i] + value)
		s = rest
	}
	return b.String() + s, nil
}

func placeholders(values map[string]string) string {
	names := slices.Sorted(maps.Keys(values))
	return "${" + strings.Join(names, "}, ${") + "}"
}

// expandAll expands every text of a kind's configuration in place, and tells the path of each that cannot be.
func expandAll(cfg sinks.Config, values map[string]string, fail func(path, error)) {
	walkText(reflect.ValueOf(cfg).Elem(), nil, func(p path, s string) string {
		out, err := expand(s, values)
		if err != nil {
			fail(p, err)
			return s
		}
		return out
	})
}

// walkText replaces every text in v, which can be set, by what f makes of it. Keys of maps stay. Whatever v
// points to is copied first: a kind's defaults are shared by all its configurations.
func walkText(v reflect.Value, p path, f func(path, string) string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(f(p, v.String()))
	case reflect.Struct:
		for _, field := range fieldsOf(v.Type()) {
			walkText(v.FieldByIndex(field.index), p.add(field.name), f)
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		inner := settable(v.Elem())
		walkText(inner, p, f)
		if v.Kind() == reflect.Pointer {
			inner = inner.Addr()
		}
		v.Set(inner)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
		for i := range v.Len() {
			walkText(v.Index(i), p.item(i), f)
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		out := copyMap(v)
		for _, key := range out.MapKeys() {
			value := settable(out.MapIndex(key))
			walkText(value, p.add(key.String()), f)
			out.SetMapIndex(key, value)
		}
		v.Set(out)
	}
}

func settable(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	return out
}

// copyMap is a map with the entries of v, which may be nil.
func copyMap(v reflect.Value) reflect.Value {
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		out.SetMapIndex(it.Key(), it.Value())
	}
	return out
}
