package sinktest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"keyturn/sinks"
)

// describes tries what a Spec says of its kind, and its configuration.
func describes(t T, k Kind) {
	s := k.Spec
	if s.Kind == "" || s.Summary == "" || s.Verified == "" || s.Best == sinks.None {
		t.Errorf("the spec must have Kind, Summary, Verified and Best: %q, %q, %q, %q", s.Kind, s.Summary, s.Verified, s.Best)
	}
	if k.evidence() > s.Best {
		t.Errorf("evidence %q is better than the best of the kind, %q", k.evidence(), s.Best)
	}
	a, b := s.New(), s.New()
	if reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() {
		t.Errorf("two configurations are the same one")
	}
	if err := fieldErrors(a.Validate()); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	cfg := k.New(t).Config
	if err := cfg.Validate(); err != nil {
		t.Errorf("the target's configuration is not valid: %v", err)
	}
	if d := cfg.Destination(); d == "" || d != cfg.Destination() {
		t.Errorf("the destination must have a name that stays the same: %q", d)
	}
}

// fieldErrors says whether every error that err joins names its field.
func fieldErrors(err error) error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if err := fieldErrors(e); err != nil {
				return err
			}
		}
		return nil
	}
	var f *sinks.FieldError
	if !errors.As(err, &f) || f.Field == "" {
		return fmt.Errorf("Validate returns an error that names no field: %w", err)
	}
	return nil
}

func documents(t T, k Kind) {
	if k.Spec.Doc == "" {
		t.Errorf("the kind has no doc page")
		return
	}
	if _, err := Example(k.Spec); err != nil {
		t.Errorf("%v", err)
	}
	if !strings.Contains(k.Spec.Doc, "Verified against:") {
		t.Errorf("the doc page has no line that starts with \"Verified against:\"")
	}
}

// Example is the yaml example of a kind's doc page, without its indentation: the first
// indented block in which the kind is a key. It starts at that key.
func Example(s sinks.Spec) (string, error) {
	var b strings.Builder
	indent := -1
	for line := range strings.Lines(s.Doc) {
		text := strings.TrimRight(line, "\n")
		body := strings.TrimLeft(text, " \t")
		depth := len(text) - len(body)
		switch {
		case indent < 0 && depth > 0 && strings.HasPrefix(body, s.Kind+":"):
			indent = depth
		case indent < 0:
			continue
		case body != "" && depth <= indent:
			return b.String(), nil
		}
		b.WriteString(text[min(indent, len(text)):])
		b.WriteByte('\n')
	}
	if indent < 0 {
		return "", fmt.Errorf("the doc page of %s has no indented yaml example with the key %q", s.Kind, s.Kind)
	}
	return strings.TrimRight(b.String(), "\n") + "\n", nil
}
