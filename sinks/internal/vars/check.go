package vars

import (
	"context"
	"fmt"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Check reads what is there and lets the kind say whether it may be written. It writes nothing.
func (s *Sink) Check(ctx context.Context) (warnings []sinks.Warning, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		warnings, err = s.check(ctx)
		return err
	})
	return warnings, err
}

func (s *Sink) check(ctx context.Context) ([]sinks.Warning, error) {
	seen, _, err := s.store.See(ctx, s.names())
	if err != nil {
		return nil, err
	}
	if err := s.ours(seen); err != nil {
		return nil, err
	}
	var all []sinks.Warning
	warn := func(format string, args ...any) {
		all = append(all, sinks.Warning(s.o.Kind+": "+fmt.Sprintf(format, args...)))
	}
	if s.o.Base != "" && httpapi.Unencrypted(s.o.Base) {
		warn("%s is not encrypted: tokens and secrets can be read on the way", s.o.Base)
	}
	if _, ok := seen[s.session()]; ok && s.session() != "" {
		warn("%s lies beside the pair and makes it useless: a push removes it", s.session())
	}
	if s.torn(seen) {
		warn("a push was done half: %s belongs to another key than %s", s.o.Variables.SecretAccessKey, s.o.Variables.AccessKeyID)
	}
	more, err := s.store.Check(ctx, s.names(), seen)
	if err != nil {
		return nil, err
	}
	return append(all, more...), nil
}

// torn says whether the two variables are marked for different keys.
func (s *Sink) torn(seen map[string]Seen) bool {
	secret, id := markerOf(seen[s.o.Variables.SecretAccessKey].Note), markerOf(seen[s.o.Variables.AccessKeyID].Note)
	return s.o.Bundle == "" && secret != "" && id != "" && markedTail(secret) != markedTail(id)
}

// Serving is the key id that is read back; "" if nothing is there, ErrBlind if the value is not shown.
func (r Readable) Serving(ctx context.Context) (sinks.KeyID, error) {
	s := r.Sink
	var seen map[string]Seen
	err := httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		seen, _, err = s.store.See(ctx, s.names())
		return err
	})
	if err != nil {
		return "", err
	}
	name := s.o.Variables.AccessKeyID
	if s.o.Bundle != "" {
		name = s.o.Bundle
	}
	v, ok := seen[name]
	switch {
	case !ok:
		return "", nil
	case !v.Shown:
		return "", sinks.ErrBlind
	case s.torn(seen):
		return "", sinks.Errorf(sinks.Unclassified, s.op("look at "+name), "a push was done half: the secret beside it belongs to another key")
	case s.o.Bundle == "":
		return sinks.KeyID(v.Value.Reveal()), nil
	}
	id, ok := bundledID(v.Value.Reveal())
	if !ok {
		return "", sinks.Errorf(sinks.Refused, s.op("look at "+name), "it holds more than a default profile")
	}
	return id, nil
}

// Shadowed warns that readers of a narrower scope get their own variable in place of one of ours: "the environment
// production". own are the names that are defined there.
func Shadowed(kind string, names, own []string, scope string) []sinks.Warning {
	var hidden []string
	for _, n := range names {
		for _, o := range own {
			if strings.EqualFold(n, o) {
				hidden = append(hidden, n)
				break
			}
		}
	}
	if len(hidden) == 0 {
		return nil
	}
	return []sinks.Warning{sinks.Warning(fmt.Sprintf("%s: %s in %s: what is written here is not what is read there",
		kind, enumerate(hidden), scope))}
}

func enumerate(names []string) string {
	if len(names) == 1 {
		return names[0] + " has a value of its own"
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " have values of their own"
}
