package standin

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"keyturn/rotator/rotatortest"
)

// The namespaces of the answers, by service.
var namespaces = map[string]string{
	"iam": "https://iam.amazonaws.com/doc/2010-05-08/",
	"sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}

// action answers one action of the Query protocol: the inside of the Result element.
type action struct {
	service string
	do      func(s *Server, r *http.Request, c caller, p url.Values) (result string, err error)
}

// query answers a call to IAM or STS. Source of the shapes: IAM and STS API References.
func (s *Server) query(w http.ResponseWriter, r *http.Request, body []byte) {
	p, err := url.ParseQuery(string(body))
	if err != nil {
		p = url.Values{}
	}
	name := p.Get("Action")
	a, known := actions[name]
	write := func(status int, root, inner string) {
		ns := namespaces[a.service]
		if ns == "" {
			ns = namespaces["iam"]
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<" + root + ` xmlns="` + ns + `">` + inner + "</" + root + ">"))
	}
	refused := func(e *rotatortest.Error) {
		kind := "Sender"
		if e.Status >= 500 {
			kind = "Receiver"
		}
		write(e.Status, "ErrorResponse",
			el("Error", leaf("Type", kind), leaf("Code", e.Code), leaf("Message", e.Message))+leaf("RequestId", w.Header().Get("X-Amzn-Requestid")))
	}
	c, err := s.authenticate(r, body)
	switch {
	case err != nil:
	case !known:
		err = &rotatortest.Error{Status: 400, Code: "InvalidAction", Message: "Could not find operation " + name}
	case c.service != a.service:
		err = &rotatortest.Error{Status: 403, Code: "SignatureDoesNotMatch", Message: "Credential should be scoped to correct service: '" + a.service + "'."}
	}
	if err != nil {
		refuse(err, refused)
		return
	}
	result, err := a.do(s, r, c, p)
	meta := el("ResponseMetadata", leaf("RequestId", w.Header().Get("X-Amzn-Requestid")))
	switch {
	case errors.Is(err, rotatortest.ErrTruncated):
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte("<" + name + `Response xmlns="` + namespaces[a.service] + `"><` + name + "Result>" + result))
	case err != nil:
		refuse(err, refused)
	case result == "":
		write(http.StatusOK, name+"Response", meta)
	default:
		write(http.StatusOK, name+"Response", el(name+"Result", result)+meta)
	}
}

// el is an XML element.
func el(name string, inner ...string) string {
	return "<" + name + ">" + strings.Join(inner, "") + "</" + name + ">"
}

// leaf is an XML element that holds text.
func leaf(name, text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return el(name, b.String())
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// paged is a list of at most a page of the members from Marker on, and where it goes on.
func (s *Server) paged(p url.Values, list string, members []string) (string, error) {
	size := s.PageSize
	if size <= 0 {
		size = 100
	}
	if n, err := strconv.Atoi(p.Get("MaxItems")); err == nil && n > 0 {
		size = min(size, n)
	}
	from := 0
	if m := p.Get("Marker"); m != "" {
		var err error
		if from, err = strconv.Atoi(m); err != nil || from < 0 || from > len(members) {
			return "", invalid("Invalid Marker.")
		}
	}
	to := min(from+size, len(members))
	more := leaf("IsTruncated", strconv.FormatBool(to < len(members)))
	if to < len(members) {
		more += leaf("Marker", strconv.Itoa(to))
	}
	var b strings.Builder
	for _, m := range members[from:to] {
		b.WriteString(el("member", m))
	}
	return more + el(list, b.String()), nil
}

func invalid(message string) error {
	return &rotatortest.Error{Status: 400, Code: "ValidationError", Message: message}
}
