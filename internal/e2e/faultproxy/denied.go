package faultproxy

import (
	"encoding/json"
	"net/http"
	"strings"
)

// denied puts a refusal into the words of a JSON service, as AWS gives it. moto has one form for all services, that of IAM.
func (a *answer) denied(q *request) {
	if q.header.Get("X-Amz-Target") == "" || a.status != http.StatusForbidden || a.element("Code") != "AccessDenied" {
		return
	}
	message := strings.TrimSuffix(strings.TrimPrefix(a.element("Message"), "<![CDATA["), "]]>")
	body, _ := json.Marshal(map[string]string{"__type": "AccessDeniedException", "Message": message}) // strings always can
	*a = answer{status: http.StatusBadRequest, header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, body: body}
}
