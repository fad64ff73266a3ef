package vars

import (
	"errors"
	"regexp"
	"strings"

	"keyturn/sinks"
)

// Rule is which names of variables a store takes.
type Rule struct {
	Form     *regexp.Regexp // the whole name; nil: Letters
	Says     string         // what Form asks for, in words; with a nil Form not needed
	Max      int            // longest name; 0: any
	Reserved []string       // what no name may start with, whatever the case
}

// letters is what a shell takes as a name.
var letters = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate names each variable, or the bundle, that the store would not take, as the fields "variables.." and "bundle".
func (r Rule) Validate(v sinks.Variables, bundle string) error {
	errs := []error{v.Validate("variables")}
	check := func(field, name string) {
		if wrong := r.wrong(name); name != "" && wrong != "" {
			errs = append(errs, sinks.Fieldf(field, "%s", wrong))
		}
	}
	check("variables.access_key_id", v.AccessKeyID)
	check("variables.secret_access_key", v.SecretAccessKey)
	check("variables.session_token", v.SessionToken)
	check("bundle", bundle)
	return errors.Join(errs...)
}

func (r Rule) wrong(name string) string {
	form, says := r.Form, r.Says
	if form == nil {
		form, says = letters, "letters, digits and _, and not start with a digit"
	}
	switch {
	case !form.MatchString(name):
		return "must have only " + says
	case r.Max > 0 && len(name) > r.Max:
		return "is too long"
	}
	for _, p := range r.Reserved {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return "must not start with " + p
		}
	}
	return ""
}
