package faultproxy

import (
	"net/http"
	"strings"
	"testing"
)

func TestADeniedCallOfAJSONServiceIsAnsweredInJSON(t *testing.T) {
	const want = `{"Message":"User: a is not authorized to perform: b","__type":"AccessDeniedException"}`
	for name, tt := range map[string]struct {
		target, code string
		want         string
	}{
		"a JSON service":  {"AmazonSSM.PutParameter", "AccessDenied", want},
		"IAM":             {"", "AccessDenied", ""},
		"another refusal": {"AmazonSSM.PutParameter", "SignatureDoesNotMatch", ""},
	} {
		a := refuse(http.StatusForbidden, tt.code, "User: a is not authorized to perform: b")
		before := string(a.body)
		a.denied(&request{header: http.Header{"X-Amz-Target": {tt.target}}})
		if tt.want == "" {
			tt.want = before
		}
		if got := string(a.body); got != tt.want || strings.HasPrefix(got, "{") != (a.status == http.StatusBadRequest) {
			t.Errorf("%s: %d %s, want %s", name, a.status, got, tt.want)
		}
	}
}
