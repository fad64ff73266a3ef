package vars

import (
	"context"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// replication is how long Verify waits for a replica that shows an older state than the push left.
const replication = 2 * time.Second

// Verify looks at all that the store shows of the pair:
//
//	exact     both values are read back and equal
//	partial   the key id is shown, whole or its end, and is not what was there before; nothing contradicts it
//	stamped   version, update time or marker of both variables are those that the push left
//	accepted  the store shows no more than that the variables are there
//
// A variable that is gone, another value, end, stamp or marker, and a session token beside the pair, are stale.
func (s *Sink) Verify(ctx context.Context, cred sinks.Credential, prev sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	t := traceOf(r)
	if t.Key != cred.KeyID {
		t = trace{}
	}
	for until := time.Now().Add(replication); ; {
		var seen map[string]Seen
		err := httpapi.Retry(ctx, func(ctx context.Context) (err error) {
			seen, _, err = s.store.See(ctx, s.names())
			return err
		})
		if err != nil {
			return sinks.None, err
		}
		e, wrong := s.judge(seen, s.parts(cred), prev, t)
		switch {
		case wrong == "" && e > sinks.None:
			return e, nil
		case wrong == "":
			return sinks.None, sinks.Errorf(sinks.Unclassified, s.op("verify"), "nothing that the store shows says which pair it serves")
		case !lags(seen, t) || time.Now().After(until) || !httpapi.Sleep(ctx, replication/10):
			return sinks.None, sinks.Errorf(sinks.Stale, s.op("verify"), "%s", wrong)
		}
	}
}

// lags says whether anything is shown older than the push left it.
func lags(seen map[string]Seen, t trace) bool {
	for name, l := range t.Left {
		v, ok := seen[name]
		if !l.At.IsZero() && (!ok || v.At.Before(l.At)) {
			return true
		}
	}
	return false
}

// judge is the evidence in what is seen, or what is wrong with it. Neither means that nothing is known.
func (s *Sink) judge(seen map[string]Seen, parts []part, prev sinks.KeyID, t trace) (e sinks.Evidence, wrong string) {
	if _, spoilt := seen[s.session()]; spoilt && s.session() != "" {
		return sinks.None, s.session() + " lies beside the key"
	}
	weakest, strongest := sinks.Exact, sinks.None
	for _, p := range parts {
		v, ok := seen[p.name]
		if !ok {
			return sinks.None, p.name + " is not there"
		}
		e, wrong := judge(p, v, prev, t)
		if wrong != "" {
			return sinks.None, wrong
		}
		weakest, strongest = min(weakest, e), max(strongest, e)
	}
	if weakest < sinks.Partial && strongest >= sinks.Partial {
		return sinks.Partial, ""
	}
	return weakest, ""
}

// judge is the evidence of one variable, or what contradicts it.
func judge(p part, v Seen, prev sinks.KeyID, t trace) (sinks.Evidence, string) {
	l, known := t.Left[p.name]
	switch {
	case v.Shown && !p.value.Equal(v.Value):
		return sinks.None, p.name + " holds another value"
	case !v.Shown && v.Tail != "" && !ends(p, v.Tail):
		return sinks.None, p.name + " ends otherwise than what was written"
	case l.Stamp != "" && v.stamp() != "" && v.stamp() != l.Stamp:
		return sinks.None, p.name + " was changed since it was written"
	case l.Marker != "" && markerOf(v.Note) != l.Marker:
		return sinks.None, p.name + " has another marker than was written"
	}
	switch {
	case v.Shown:
		return sinks.Exact, ""
	case v.Tail != "" && !alike(p, v.Tail, prev, t):
		return sinks.Partial, ""
	case known && (l.Marker != "" || l.Stamp != "" && v.stamp() == l.Stamp):
		return sinks.Stamped, ""
	case t.Key != "":
		return sinks.Accepted, ""
	}
	return sinks.None, ""
}

// alike says whether a pair from before ends as this one does, so that an end proves nothing.
func alike(p part, tail string, prev sinks.KeyID, t trace) bool {
	return p.id && (t.Coincides || strings.HasSuffix(string(prev), tail))
}
