package file

import "bytes"

// line is a line of a text file and the bytes that end it; the last one may have no end.
type line struct{ body, end []byte }

var newline = []byte("\n")

func splitLines(text []byte) (lines []line) {
	for l := range bytes.Lines(text) {
		body := bytes.TrimSuffix(bytes.TrimSuffix(l, newline), []byte("\r"))
		if !bytes.HasSuffix(l, newline) {
			body = l
		}
		lines = append(lines, line{body: body, end: l[len(body):]})
	}
	return lines
}

// joinLines is the inverse of splitLines. Lines that were put in have no end yet: they get
// the end of the line before. The text ends with a newline if, and only if, terminated is set.
func joinLines(lines []line, terminated bool) []byte {
	size, end := 0, firstEnd(lines)
	for _, l := range lines {
		size += len(l.body) + 2
	}
	out := make([]byte, 0, size)
	for i, l := range lines {
		if len(l.end) > 0 {
			end = l.end
		}
		out = append(out, l.body...)
		if i < len(lines)-1 || terminated {
			out = append(out, end...)
		}
	}
	return out
}

func firstEnd(lines []line) []byte {
	for _, l := range lines {
		if len(l.end) > 0 {
			return l.end
		}
	}
	return newline
}

// terminated says whether a text is to end with a newline: as it did, and if it is new.
func terminated(text []byte) bool { return len(text) == 0 || bytes.HasSuffix(text, newline) }

// changes are edits to some lines, by the number that the line had at first.
type changes struct {
	replaced map[int][]byte
	removed  map[int]bool
	after    map[int][][]byte // put in behind a line; -1 is the start
}

func newChanges() changes {
	return changes{replaced: map[int][]byte{}, removed: map[int]bool{}, after: map[int][][]byte{}}
}

func (c changes) apply(lines []line) []line {
	out := make([]line, 0, len(lines)+4)
	put := func(i int) {
		for _, body := range c.after[i] {
			out = append(out, line{body: body})
		}
	}
	put(-1)
	for i, l := range lines {
		if body, ok := c.replaced[i]; ok {
			l.body = body
		}
		if !c.removed[i] {
			out = append(out, l)
		}
		put(i)
	}
	return out
}

// splice is body with the bytes from start to end replaced by value.
func splice(body []byte, start, end int, value []byte) []byte {
	out := make([]byte, 0, len(body)+len(value))
	return append(append(append(out, body[:start]...), value...), body[end:]...)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func trimBlanks(b []byte) []byte { return bytes.Trim(b, " \t") }

// indentOf is the blanks that b starts with.
func indentOf(b []byte) []byte { return b[:len(b)-len(bytes.TrimLeft(b, " \t"))] }
