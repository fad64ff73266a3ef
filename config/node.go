package config

import (
	"fmt"
	"regexp"
	"strings"
)

// node is a value of the document with its place. The whole document is turned into nodes once;
// all that follows knows nothing of YAML.
type node struct {
	shape   shape
	text    string // of a scalar, as it was written; never to be shown
	at      pos
	key     pos // of the key it belongs to; zero for an item of a list
	entries []entry
	byName  map[string]*node
	items   []*node
}

type entry struct {
	name  string
	value *node
}

type pos struct{ line, col int }

// shape is what a value looks like in the document.
type shape int

const (
	nothing shape = iota // null, or a key without a value
	text
	number
	boolean
	mapping
	list
)

// get is the value of a key; nil if it is not there.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	return n.byName[name]
}

func (n *node) put(name string, value *node) {
	if n.byName == nil {
		n.byName = map[string]*node{}
	}
	n.byName[name] = value
	n.entries = append(n.entries, entry{name, value})
}

// find goes down p as far as it can, and tells how many of its parts it found.
func (n *node) find(p path) (*node, int) {
	for i, part := range p {
		next := n.get(part)
		if next == nil {
			if j, ok := index(part); ok && n.shape == list && j < len(n.items) {
				next = n.items[j]
			}
		}
		if next == nil {
			return n, i
		}
		n = next
	}
	return n, len(p)
}

// place is where an error about n is shown: a scalar itself, of anything larger its key.
func (n *node) place() pos {
	if n.key == (pos{}) || n.shape == text || n.shape == number || n.shape == boolean {
		return n.at
	}
	return n.key
}

// path leads from the top of the document to a value: keys, and "[0]" for items of lists.
type path []string

func (p path) add(parts ...string) path { return append(p[:len(p):len(p)], parts...) }

func (p path) item(i int) path { return p.add(fmt.Sprintf("[%d]", i)) }

func (p path) String() string {
	var b strings.Builder
	for i, part := range p {
		if _, ok := index(part); ok {
			b.WriteString(part)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(shown(part))
	}
	return b.String()
}

func index(part string) (i int, ok bool) {
	n, err := fmt.Sscanf(part, "[%d]", &i)
	return i, err == nil && n == 1 && i >= 0 && part == fmt.Sprintf("[%d]", i)
}

var plain = regexp.MustCompile(`^[\w+=,.@/-]{1,64}$`)

// shown is a key as messages show it. What does not look like a name may be anything, and stays hidden.
func shown(name string) string {
	if plain.MatchString(name) {
		return name
	}
	return "?"
}
