package config

import (
	"reflect"
	"strings"
)

// field is a field of a struct as the document sees it. These tags say how:
//
//	yaml:"name"           its key; ",inline" puts the fields of a struct among its parent's; "-" hides it
//	doc:"what it is for"  a line for the reference
//	oneof:"own unused"    the only texts it takes
type field struct {
	name  string
	doc   string
	oneof []string
	typ   reflect.Type
	index []int
}

// fieldsOf lists the fields of a struct type in their order.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
			continue
		case option == "inline" || f.Anonymous && name == "":
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		out = append(out, field{
			name: name, doc: f.Tag.Get("doc"), oneof: strings.Fields(f.Tag.Get("oneof")), typ: f.Type, index: []int{i},
		})
	}
	return out
}

// names are the keys of the fields that this version knows.
func names(fields []field) []string {
	var out []string
	for _, f := range fields {
		if f.typ != laterType {
			out = append(out, f.name)
		}
	}
	return out
}
