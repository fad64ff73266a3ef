package sinktest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// clean fails the test if any way to print v shows a secret. What it prints itself
// names v and holds none of it.
func (b *bench) clean(what string, v any) {
	b.t.Helper()
	if v == nil {
		return
	}
	texts := []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v)}
	if err, ok := v.(error); ok {
		texts = append(texts, chain(err)...)
	}
	for _, text := range texts {
		for _, c := range b.canaries {
			if shows(text, c) {
				b.t.Errorf("the %s shows a secret", what)
				return
			}
		}
	}
}

// chain is the text of each error that err wraps: a logger may print any of them.
func chain(err error) (texts []string) {
	for err != nil {
		texts = append(texts, err.Error(), fmt.Sprintf("%+v", err))
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				texts = append(texts, chain(e)...)
			}
			return texts
		}
		err = errors.Unwrap(err)
	}
	return texts
}

// shows says whether text holds c, plain or in one of the forms that printing gives it.
func shows(text, c string) bool {
	if c == "" {
		return false
	}
	raw := []byte(c)
	bytes := strings.TrimSuffix(fmt.Sprint(raw[:min(len(raw), 12)]), "]")
	forms := []string{
		c, bytes, fmt.Sprintf("%x", raw), url.QueryEscape(c), url.PathEscape(c),
		strings.TrimRight(base64.StdEncoding.EncodeToString(raw), "="),
		strings.TrimRight(base64.URLEncoding.EncodeToString(raw), "="),
	}
	for _, f := range forms {
		if strings.Contains(text, f) {
			return true
		}
	}
	return false
}
