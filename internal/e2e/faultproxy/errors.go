package faultproxy

import (
	"net/http"
	"strings"
)

// asAWS gives an error of the backend the shape and the status that it has at AWS: an emulator may wrap it as
// another service does, and then an SDK cannot tell what it is.
func (a *answer) asAWS(q *request) {
	code := a.element("Code")
	if q.action == "" || a.status < 400 || code == "" {
		return
	}
	if code == "LimitExceeded" {
		a.status = http.StatusConflict
	}
	message := strings.TrimSuffix(strings.TrimPrefix(a.element("Message"), "<![CDATA["), "]]>")
	a.body = refuse(a.status, code, message).body
}
