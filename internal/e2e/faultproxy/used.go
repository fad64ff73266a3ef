package faultproxy

import (
	"net/http"
	"regexp"
	"time"
)

var used = regexp.MustCompile(`(?s)<AccessKeyLastUsed>.*</AccessKeyLastUsed>`)

// lastUsed hides a use that is younger than d, as AWS does for minutes: the key then looks as if it were never used.
func (a *answer) lastUsed(q *request, d time.Duration) {
	if q.action != "GetAccessKeyLastUsed" || a.status != http.StatusOK || d == 0 {
		return
	}
	at, err := time.Parse(time.RFC3339, a.element("LastUsedDate"))
	if err != nil || time.Since(at) >= d {
		return
	}
	a.body = used.ReplaceAllLiteral(a.body, []byte("<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>"))
}
