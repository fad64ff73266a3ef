package config

import (
	"reflect"

	"keyturn/sinks"
)

// document is the top of the file.
type document struct {
	AWS      AWS          `yaml:"aws"`
	Journal  journalEntry `yaml:"journal"`
	Seal     Seal         `yaml:"seal"`
	Defaults Settings     `yaml:"defaults"`
	Sinks    raw          `yaml:"sinks"`
	Robots   raw          `yaml:"robots"`
	Server   later        `yaml:"server"`
	Signals  later        `yaml:"signals"`
	Notify   later        `yaml:"notify"`
	Audit    later        `yaml:"audit"`
}

func defaultDocument() document {
	return document{AWS: defaultAWS(), Journal: journalEntry{Path: defaultJournal}, Defaults: defaultSettings()}
}

type journalEntry struct {
	Path     string `yaml:"path" doc:"SQLite file; relative to the working directory"`
	Postgres later  `yaml:"postgres"`
}

// raw is a part that is read later, when more is known.
type raw struct{ *node }

func (r *raw) fromNode(_ decoder, n *node, _ path) { r.node = n }

// loader holds what the parts of a document need of each other.
type loader struct {
	decoder
	root  *node
	doc   document
	kinds []sinks.Spec
	named map[string]*namedSink
	// broken are paths of values that could not be read: nothing more is said about them.
	broken map[string]bool
}

// Load reads the document in data. name stands in the errors; specs are the kinds of sink there are. The error, if
// any, is of type [Errors].
func Load(name string, data []byte, specs []sinks.Spec) (*Config, error) {
	r := &report{file: name}
	root := parse(r, data)
	if root == nil {
		return nil, r.err()
	}
	l := &loader{
		decoder: decoder{r}, root: root, kinds: specs, doc: defaultDocument(),
		named: map[string]*namedSink{}, broken: map[string]bool{},
	}
	l.read(root, nil, &l.doc)
	l.checkAWS()
	l.checkJournal()
	l.checkSeal()
	l.checkSettings(path{"defaults"}, l.doc.Defaults)
	l.readSinks()
	robots := l.readRobots()
	l.warnUnused()
	if err := r.err(); err != nil {
		return nil, err
	}
	cfg := &Config{AWS: l.doc.AWS, Journal: Journal{Path: l.doc.Journal.Path}, Seal: l.doc.Seal, Robots: robots}
	for _, w := range r.warnings.sorted() {
		cfg.Warnings = append(cfg.Warnings, w.Error())
	}
	return cfg, nil
}

// read decodes n into what v points to, and remembers what could not be read.
func (l *loader) read(n *node, p path, v any) (ok bool) {
	before := len(l.errs)
	l.decode(n, p, reflect.ValueOf(v).Elem())
	for _, e := range l.errs[before:] {
		l.broken[e.Path] = true
	}
	return len(l.errs) == before
}

// failAt reports an error at p, or, where the document does not go that far, at the last part that is there.
func (l *loader) failAt(p path, format string, args ...any) {
	if l.broken[p.String()] {
		return
	}
	n, _ := l.root.find(p)
	l.fail(n.place(), p, format, args...)
}

// has says whether the document gives a value at p.
func (l *loader) has(p ...string) bool {
	_, found := l.root.find(p)
	return found == len(p)
}

func (l *loader) checkJournal() {
	if l.doc.Journal.Path == "" {
		l.failAt(path{"journal", "path"}, "must not be empty")
	}
}

func (l *loader) checkSeal() {
	seal := l.doc.Seal
	key, kms := l.has("seal", "key"), l.has("seal", "kms")
	switch {
	case key && kms:
		l.failAt(path{"seal"}, "only one of key and kms is allowed")
	case !key && !kms:
		l.failAt(path{"seal"}, "missing: what encrypts the journal's secrets, such as { key: { file: /etc/keyturn/seal.key } } (keyturn seal keygen makes one)")
	case kms && seal.KMS != nil:
		if seal.KMS.KeyID == "" {
			l.failAt(path{"seal", "kms", "key_id"}, "must not be empty")
		}
		seal.KMS.Account = l.account(path{"seal", "kms", "account"}, seal.KMS.Account)
		if region := seal.KMS.Region; region != "" && !isRegion(region) {
			l.failAt(path{"seal", "kms", "region"}, notRegion)
		}
	}
}

func (l *loader) warnUnused() {
	for _, e := range l.doc.Sinks.entriesOf() {
		if s := l.named[e.name]; s != nil && !s.used {
			l.warn(e.value.key, path{"sinks", e.name}, "no robot uses it")
		}
	}
	if len(l.doc.Robots.entriesOf()) == 0 {
		l.warn(l.root.at, path{"robots"}, "there are none: nothing will be rotated")
	}
}

// entriesOf are the entries of a map that may be missing.
func (r raw) entriesOf() []entry {
	if r.node == nil {
		return nil
	}
	return r.entries
}
