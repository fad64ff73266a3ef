package config

import "strings"

// nearest is the name that was probably meant: at most a third of its letters differ.
func nearest(got string, names []string) (string, bool) {
	best, least := "", len(got)
	for _, name := range names {
		d := distance(strings.ToLower(got), strings.ToLower(name))
		if d < least && 3*d <= max(len(got), len(name), 3) {
			best, least = name, d
		}
	}
	return best, best != ""
}

// meant is the end of a message about a name that is not known.
func meant(got string, names []string) string {
	if name, ok := nearest(got, names); ok {
		return ", did you mean " + shown(name)
	}
	if len(names) == 0 || len(names) > 20 {
		return ""
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = shown(n)
	}
	return "; there are " + strings.Join(out, ", ")
}

// maxCompared bounds the work for a key that is no name at all.
const maxCompared = 64

// distance counts the letters to insert, drop, change or swap to turn a into b.
func distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		return max(len(a), len(b))
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
