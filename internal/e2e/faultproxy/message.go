package faultproxy

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// request is a call of the Query protocol.
type request struct {
	method, path, rawQuery, host string
	header                       http.Header
	body                         []byte
	form                         url.Values
	action                       string // of the Query protocol
	name                         string // the action, or method and path
	signer                       string // the access key id in the Authorization header
}

var credential = regexp.MustCompile(`Credential=(\w+)/`)

func read(r *http.Request) (*request, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("fault proxy: read the request: %w", err)
	}
	q := &request{method: r.Method, path: r.URL.Path, rawQuery: r.URL.RawQuery, host: r.Host, header: r.Header, body: body}
	if q.form, err = url.ParseQuery(string(body)); err == nil {
		q.action = q.form.Get("Action")
	}
	// What is not a form (a JSON service, a store) is called by what it asks for.
	if q.name = q.action; q.name == "" {
		q.name = r.Method + " " + r.URL.Path
	}
	if m := credential.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		q.signer = m[1]
	}
	return q, nil
}

// answer is what the client gets.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// refuse is an error answer as IAM and STS give it.
func refuse(status int, code, message string) *answer {
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(message)) // a Builder does not fail
	body := fmt.Sprintf(`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>`+
		`<Code>%s</Code><Message>%s</Message></Error><RequestId>fault-proxy</RequestId></ErrorResponse>`, code, text.String())
	return &answer{status: status, header: http.Header{"Content-Type": {"text/xml"}}, body: []byte(body)}
}

// element is the text of the first element with that name, or "".
func (a *answer) element(name string) string {
	_, rest, found := strings.Cut(string(a.body), "<"+name+">")
	text, _, closed := strings.Cut(rest, "</"+name+">")
	if !found || !closed {
		return ""
	}
	return text
}

func (a *answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		if k != "Content-Length" && k != "Connection" {
			w.Header()[k] = v
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client went away: its own affair
}

// errDropped: the client is to see a connection that breaks.
var errDropped = errors.New("dropped")

// reset closes the connection without an answer, so that the client sees a reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // without it the client sees an orderly end
	}
	_ = conn.Close()
}
