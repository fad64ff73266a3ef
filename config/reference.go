package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator/schedule"
	"keyturn/sinks"
)

// Field is a key of the configuration, for the reference.
type Field struct {
	Path    string // "aws.accounts.NAME.role_arn"; NAME and [] stand for any
	Type    string // "duration", "text", "report or detach", ...
	Default string // as it would be written; "" if there is none
	Doc     string
}

// Reference lists every key of the configuration that this version knows, in its order. The keys of a kind of
// sink are listed by [ReferenceOf].
func Reference() []Field {
	doc := defaultDocument()
	var out []Field
	for _, f := range fieldsOf(reflect.TypeOf(doc)) {
		v := reflect.ValueOf(doc).FieldByIndex(f.index)
		switch f.name {
		case "sinks":
			out = append(out, Field{Path: "sinks.NAME.KIND", Type: "map of the kind's keys", Doc: "what all robots that name this sink share; keyturn sinks KIND lists the keys"})
		case "robots":
			out = append(out, describeStruct("robots.NAME.", reflect.ValueOf(robotEntry{Settings: doc.Defaults}))...)
		default:
			out = append(out, describe(f.name, f, v)...)
		}
	}
	return out
}

// ReferenceOf lists the keys of a struct, or of a pointer to one, whose values are the defaults: the configuration
// of a kind of sink, as its Spec.New returns it.
func ReferenceOf(cfg any) []Field {
	return describeStruct("", reflect.Indirect(reflect.ValueOf(cfg)))
}

func describeStruct(prefix string, v reflect.Value) []Field {
	var out []Field
	for _, f := range fieldsOf(v.Type()) {
		out = append(out, describe(prefix+f.name, f, v.FieldByIndex(f.index))...)
	}
	return out
}

func describe(at string, f field, v reflect.Value) []Field {
	t := f.typ
	switch {
	case t == laterType:
		return nil
	case typeName(t) != "":
		name := typeName(t)
		if len(f.oneof) > 0 {
			name = either(f.oneof)
		}
		return []Field{{Path: at, Type: name, Default: written(v), Doc: f.doc}}
	case t.Kind() == reflect.Pointer:
		if v.IsNil() {
			return describe(at, field{typ: t.Elem(), doc: f.doc, oneof: f.oneof}, fresh(t.Elem()))
		}
		return describe(at, field{typ: t.Elem(), doc: f.doc, oneof: f.oneof}, v.Elem())
	case t.Kind() == reflect.Map:
		return describeMany(at, at+".NAME", "map by name", f, t.Elem())
	case t.Kind() == reflect.Slice:
		return describeMany(at, at+"[]", "list", f, t.Elem())
	case t.Kind() == reflect.Struct:
		return describeStruct(at+".", v)
	}
	return nil
}

// describeMany describes a map or a list, and then what is in it.
func describeMany(at, each, name string, f field, elem reflect.Type) []Field {
	out := []Field{{Path: at, Type: name, Doc: f.doc}}
	return append(out, describe(each, field{typ: elem}, fresh(elem))...)
}

// typeName names the types that are written in one piece; "" for others.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[secret.Ref]():
		return "reference to a secret"
	case reflect.TypeFor[sinks.Evidence]():
		return "accepted, stamped, partial, exact or canary"
	case reflect.TypeFor[raw]():
		return "map of the kind's keys"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Interface:
		return "anything"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return "list of texts"
		}
	case reflect.Map:
		if inner := t.Elem().Kind(); inner == reflect.String || inner == reflect.Interface {
			return "map of " + typeName(t.Elem())
		}
	}
	return ""
}

// written is a default as the document would say it. Text that is empty, and numbers that are zero, are none.
func written(v reflect.Value) string {
	switch d := v.Interface().(type) {
	case time.Duration:
		return schedule.FormatDuration(d)
	case sinks.Evidence:
		if d == sinks.None {
			return ""
		}
		return d.String()
	case bool:
		return fmt.Sprint(d)
	case []string:
		return strings.Join(d, ", ")
	case secret.Ref, raw:
		return ""
	}
	if v.IsZero() || v.Kind() == reflect.Map || v.Kind() == reflect.Interface {
		return ""
	}
	return fmt.Sprint(v.Interface())
}
