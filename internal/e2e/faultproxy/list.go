package faultproxy

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	members   = regexp.MustCompile(`(?s)<member>.*</member>`)
	member    = regexp.MustCompile(`(?s)<member>.*?</member>`)
	truncated = regexp.MustCompile(`<IsTruncated>\w*</IsTruncated>`)
)

// list cuts the answer of a List call, which the backend gives whole, to one page of what is to be seen.
func (a *answer) list(q *request, size int, hidden func(keyID string) bool) {
	if !strings.HasPrefix(q.action, "List") || a.status != http.StatusOK {
		return
	}
	var seen []string
	for _, m := range member.FindAllString(string(a.body), -1) {
		if id := (&answer{body: []byte(m)}).element("AccessKeyId"); id == "" || !hidden(id) {
			seen = append(seen, m)
		}
	}
	page, marker := cut(seen, size, q.form.Get("MaxItems"), q.form.Get("Marker"))
	end := "<IsTruncated>false</IsTruncated>"
	if marker != "" {
		end = "<IsTruncated>true</IsTruncated><Marker>" + marker + "</Marker>"
	}
	body := members.ReplaceAllLiteralString(string(a.body), strings.Join(page, ""))
	a.body = []byte(truncated.ReplaceAllLiteralString(body, end))
}

// cut is the page that begins at marker, and the marker of the next one, if there is one.
func cut(all []string, size int, maxItems, marker string) (page []string, next string) {
	if n, err := strconv.Atoi(maxItems); err == nil && (size == 0 || n < size) {
		size = n
	}
	from, _ := strconv.Atoi(strings.TrimPrefix(marker, "from-")) // no marker: the first page
	from = min(from, len(all))
	if size == 0 || from+size >= len(all) {
		return all[from:], ""
	}
	return all[from : from+size], "from-" + strconv.Itoa(from+size)
}
