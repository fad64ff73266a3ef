package jenkins

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// class is the type of the credential. Source: plugin aws-credentials, AWSCredentialsImpl.
const class = "com.cloudbees.jenkins.plugins.awscredentials.AWSCredentialsImpl"

// noteMax bounds a description with the mark in it; Jenkins has no limit.
const noteMax = 1000

// current is the credential as Jenkins shows it.
type current struct {
	there bool
	doc   document
	at    time.Time // Jenkins' clock when it answered
}

func (c current) key() sinks.KeyID { return sinks.KeyID(c.doc.get("accessKey")) }
func (c current) note() string     { return c.doc.get("description") }

// read gets the credential. One that does not exist, in a store that does, is no error.
func (s *sink) read(ctx context.Context) (current, error) {
	op := s.op("read")
	var text []byte
	resp, err := s.api.Do(ctx, httpapi.Request{
		Op: op, Path: s.path(), Header: http.Header{"Accept": {"application/xml"}}, Explain: explain(op, "View"),
	}, &text)
	if sinks.ClassOf(err) == sinks.Missing {
		return current{at: resp.Date}, s.store(ctx, op)
	}
	if err != nil {
		return current{}, err
	}
	doc, err := parse(text)
	if err != nil {
		return current{}, sinks.Errorf(sinks.Temporary, op, "%w", err)
	}
	if doc.root != class {
		return current{}, sinks.Errorf(sinks.Refused, op, "the credential is not of the type AWS Credentials")
	}
	return current{there: true, doc: doc, at: resp.Date}, nil
}

// store says whether there is one in which the credential could be.
func (s *sink) store(ctx context.Context, op string) error {
	_, err := s.api.Do(ctx, httpapi.Request{
		Op: op, Path: s.cfg.store() + "/api/json", Query: url.Values{"tree": {"urlName"}}, Explain: explain(op, "View"),
	}, nil)
	if sinks.ClassOf(err) == sinks.Missing {
		return sinks.Errorf(sinks.Missing, op, "the folder or the domain does not exist, or the user may not see it")
	}
	return err
}

// path is that of the credential.
func (s *sink) path() string {
	return s.cfg.store() + "/credential/" + url.PathEscape(s.cfg.ID) + "/config.xml"
}

// write puts cred into what the credential is now, and returns the description that it then has.
func (s *sink) write(ctx context.Context, now current, cred sinks.Credential) (note string, err error) {
	op := s.op("write")
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: s.path(), Repeatable: true, Explain: explain(op, "Update")}
	doc := now.doc
	if !now.there {
		r.Path, r.Explain = s.cfg.store()+"/createCredentials", explain(op, "Create")
		doc = created(s.cfg.ID)
	}
	note = vars.Noted(now.note(), cred.KeyID, now.at, noteMax)
	doc = doc.with("description", note).with("accessKey", string(cred.KeyID)).with("secretKey", cred.Secret.Reveal())
	defer clear(doc.text)
	if doc.redacted() {
		return "", sinks.Errorf(sinks.Refused, op, "the credential holds another secret, which Jenkins does not show and a write would lose")
	}
	r.Body = doc.text
	r.Header = http.Header{"Content-Type": {"application/xml; charset=utf-8"}}
	_, err = s.api.Do(ctx, r, nil)
	if now.there && sinks.ClassOf(err) == sinks.Missing {
		return "", sinks.Errorf(sinks.Conflict, op, "somebody else removed the credential")
	}
	return note, err
}

// created is a credential that does not exist yet.
func created(id string) document {
	doc, _ := parse([]byte("<" + class + "><scope>GLOBAL</scope></" + class + ">")) // it parses
	return doc.with("id", id)
}

// explain gives a failed answer a better text. What Jenkins says is looked for a known phrase and never repeated.
func explain(op, permission string) func(int, []byte) error {
	return func(status int, body []byte) error {
		switch {
		case status == http.StatusUnauthorized:
			return sinks.Errorf(sinks.Denied, op, "the user or its API token is not accepted")
		case status == http.StatusForbidden && bytes.Contains(body, []byte("No valid crumb")):
			return sinks.Errorf(sinks.Denied, op, "Jenkins asks for a crumb: token must be an API token, not a password")
		case status == http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "the user may not do that: it needs Credentials/%s", permission)
		case status == http.StatusConflict:
			return sinks.Errorf(sinks.Conflict, op, "somebody else wrote at the same time")
		}
		return nil
	}
}
