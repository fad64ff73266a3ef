package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"keyturn/sinks"
)

// namedSink is an entry of sinks: a kind, and what all robots that use it share.
type namedSink struct {
	name string
	spec sinks.Spec
	body *node
	path path // of body
	used bool
	bad  bool // said already
}

// sinkEntry is an item of a robot's sinks.
type sinkEntry struct {
	Sink        string              `yaml:"sink" doc:"a name under sinks; required"`
	With        raw                 `yaml:"with" doc:"keys of its kind, over those of the named sink"`
	Required    bool                `yaml:"required" doc:"whether the old key waits for this sink"`
	MinEvidence sinks.Evidence      `yaml:"min_evidence" doc:"how well the sink must be shown to serve the new key"`
	Canary      *sinks.CanaryConfig `yaml:"canary"`
}

// canaryFor is how long a canary may take if nothing is said.
const canaryFor = 10 * time.Minute

func (s *sinkEntry) setDefaults() { s.Required, s.MinEvidence = true, sinks.Stamped }

func (s *sinkEntry) fromNode(d decoder, n *node, p path) {
	if n.shape == text {
		s.Sink = n.text
		return
	}
	if n.shape != mapping {
		d.fail(n.place(), p, "must be the name of a sink, or a map with sink: NAME")
		return
	}
	d.fields(n, p, reflect.ValueOf(s).Elem())
	if n.get("sink") == nil {
		d.fail(n.place(), p, "sink is missing: the name of a sink")
	}
}

// readSinks reads every named sink strictly; whether it is complete only shows with a robot.
func (l *loader) readSinks() {
	p := path{"sinks"}
	if l.doc.Sinks.node == nil || !l.expect(l.doc.Sinks.node, p, mapping) {
		return
	}
	for _, e := range l.doc.Sinks.entries {
		before := len(l.errs)
		s := l.namedSink(p.add(e.name), e)
		s.bad = len(l.errs) > before
		l.named[e.name] = s
	}
}

func (l *loader) namedSink(p path, e entry) *namedSink {
	s := &namedSink{name: e.name}
	if !localName.MatchString(e.name) {
		l.fail(e.value.key, p, notLocalName)
	}
	if e.value.shape != mapping || len(e.value.entries) != 1 {
		l.fail(e.value.place(), p, "must be a map with one key, the kind of sink")
		return s
	}
	kind := e.value.entries[0]
	s.body, s.path = kind.value, p.add(kind.name)
	spec, ok := l.kind(kind.name)
	if !ok {
		l.fail(kind.value.key, s.path, "%s", l.unknownKind(kind.name))
		return s
	}
	s.spec = spec
	cfg := spec.New()
	l.decode(s.body, s.path, reflect.ValueOf(cfg).Elem())
	expandAll(cfg, sample, func(q path, err error) {
		if n, found := s.body.find(q); found == len(q) {
			l.fail(n.place(), append(s.path, q...), "%s", err)
		}
	})
	return s
}

func (l *loader) kind(name string) (sinks.Spec, bool) {
	for _, s := range l.kinds {
		if s.Kind == name {
			return s, true
		}
	}
	return sinks.Spec{}, false
}

func (l *loader) unknownKind(name string) string {
	if isLater(name) {
		return "kind " + name + " is " + notYet
	}
	var kinds []string
	for _, s := range l.kinds {
		kinds = append(kinds, s.Kind)
	}
	return "unknown kind" + meant(name, kinds)
}

// sample stands in for the values while a sink is only looked at. ${rotation} has the form of a real one.
var sample = map[string]string{"robot": "robot", "user": "user", "account": defaultAccount, "rotation": "20260102-abcdefgh"}

func (l *loader) bindAll(p path, r Robot, entries []sinkEntry) []BoundSink {
	var out []BoundSink
	times := map[string]int{}
	for i, e := range entries {
		b := l.bind(p.item(i), r, e)
		times[e.Sink]++
		if n := times[e.Sink]; n > 1 {
			b.Name = fmt.Sprintf("%s#%d", b.Name, n)
		}
		out = append(out, b)
	}
	return out
}

func (l *loader) bind(p path, r Robot, e sinkEntry) BoundSink {
	out := BoundSink{Name: e.Sink, Required: e.Required, MinEvidence: e.MinEvidence}
	named, ok := l.named[e.Sink]
	if !ok {
		l.unknownSink(p, e.Sink)
		return out
	}
	named.used = true
	if named.bad {
		return out
	}
	b := binding{sink: named, with: e.With.node, path: p, values: map[string]string{"robot": r.Name, "user": r.User, "account": defaultAccount}}
	if r.Account != "" {
		b.values["account"] = r.Account
	}
	out.Kind = named.spec.Kind
	if best := named.spec.Best; best < e.MinEvidence {
		at := p
		if l.has(p.add("min_evidence")...) {
			at = p.add("min_evidence")
		}
		l.failAt(at, "kind %s gives no better evidence than %s; if that is enough for this sink, say so with min_evidence: %s", out.Kind, best, best)
	}
	if e.Canary != nil {
		b.canary = l.canary(p.add("canary"), out, named.spec, *e.Canary)
		out.Canary = b.canary.Deadline
	} else if e.MinEvidence == sinks.Proven {
		l.failAt(p.add("min_evidence"), "canary needs a job that shows it: canary: { workflow: .., ref: .. }")
	}
	if b.check(l) {
		out.Destination = b.destination()
		out.Open = b.open
	}
	return out
}

// canary is checked for what every kind asks of it; the rest shows when the sink is opened.
func (l *loader) canary(p path, b BoundSink, spec sinks.Spec, c sinks.CanaryConfig) *sinks.CanaryConfig {
	switch {
	case spec.Best < sinks.Proven:
		l.failAt(p, "kind %s has no canary", spec.Kind)
	case !b.Required:
		l.failAt(p, "only a required sink has a canary: nothing waits for an optional one")
	case c.Deadline < 0 || c.Deadline > 0 && c.Deadline < time.Minute:
		l.failAt(p.add("deadline"), "must be at least 1m")
	}
	if c.Deadline == 0 {
		c.Deadline = canaryFor
	}
	return &c
}

func (l *loader) unknownSink(p path, name string) {
	if l.has(p.add("sink")...) {
		p = p.add("sink")
	}
	l.failAt(p, "no such sink under sinks%s", meant(name, slices.Sorted(maps.Keys(l.named))))
}

// binding is a named sink with what one robot adds.
type binding struct {
	sink   *namedSink
	with   *node // nil: nothing
	path   path  // of the robot's entry
	values map[string]string
	canary *sinks.CanaryConfig
}

// build makes the configuration anew: one cannot be expanded twice.
func (b binding) build(r *report, rotation string, fail func(path, error)) sinks.Config {
	cfg, d := b.sink.spec.New(), decoder{r}
	v := reflect.ValueOf(cfg).Elem()
	d.decode(b.sink.body, b.sink.path, v)
	if b.with != nil {
		d.decode(b.with, b.path.add("with"), v)
	}
	values := maps.Clone(b.values)
	values["rotation"] = rotation
	expandAll(cfg, values, fail)
	return cfg
}

// check reports what is wrong, at the place that says it.
func (b binding) check(l *loader) bool {
	before := len(l.errs)
	cfg := b.build(l.report, sample["rotation"], func(p path, err error) { b.fail(l, p, err.Error()) })
	if len(l.errs) > before {
		return false
	}
	for _, err := range flatten(cfg.Validate()) {
		var f *sinks.FieldError
		if errors.As(err, &f) {
			b.fail(l, fieldPath(f.Field), f.Msg)
			continue
		}
		l.failAt(b.path, "the configuration of kind %s is not valid", b.sink.spec.Kind) // the text may hold a value
	}
	return len(l.errs) == before
}

// fieldPath reads the path of a FieldError: "variables.access_key_id", "command[0]".
func fieldPath(field string) path {
	var out path
	for part := range strings.SplitSeq(strings.ReplaceAll(field, "[", ".["), ".") {
		if part != "" {
			out = append(out, part)
		}
	}
	return out
}

// fail reports an error of the field at p where the field is written: by the robot, in the named sink, or, if it is
// written nowhere, at the robot's entry.
func (b binding) fail(l *loader, p path, msg string) {
	at, found := b.path, 0
	n, _ := l.root.find(b.path)
	for _, layer := range []struct {
		body *node
		path path
	}{{b.with, b.path.add("with")}, {b.sink.body, b.sink.path}} {
		if layer.body == nil {
			continue
		}
		if m, deep := layer.body.find(p); deep > found {
			n, found, at = m, deep, layer.path.add(p[:deep]...)
		}
	}
	if rest := p[found:].String(); rest != "" {
		msg = rest + ": " + msg
	}
	l.fail(n.place(), at, "%s", msg)
}

// destination is the fingerprint of where the sink writes. ${rotation} stays as it is: the place is the same each time.
func (b binding) destination() string {
	cfg := b.build(&report{}, "${rotation}", func(path, error) {})
	sum := sha256.Sum256([]byte(b.sink.spec.Kind + "\n" + cfg.Destination()))
	return hex.EncodeToString(sum[:16])
}

func (b binding) open(ctx context.Context, rotation string, env sinks.Env) (sinks.Sink, error) {
	cfg := b.build(&report{}, rotation, func(path, error) {})
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("sink %s in rotation %s: %w", b.sink.name, rotation, err)
	}
	env.Canary = b.canary
	return b.sink.spec.Open(ctx, cfg, env)
}

// flatten lists the errors that were joined.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}
