package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// The types of messages.
const (
	typeCheck  = "credential.check"
	typePut    = "credential.put"
	typeVerify = "credential.verify"
)

// message is what a receiver gets.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Target    string `json:"target,omitempty"`
	KeyID     string `json:"access_key_id,omitempty"`
	Secret    string `json:"secret_access_key,omitempty"`
	Challenge string `json:"challenge,omitempty"`
}

// send delivers one message, again and again while that is useful and ctx lasts: under one id, each time signed anew. It returns
// the answer, and when it came by the receiver's clock.
func (s *sink) send(ctx context.Context, op, kind string, d data) (answer []byte, at time.Time, err error) {
	d.Target = s.cfg.Target
	body, err := json.Marshal(message{kind, time.Now().UTC().Truncate(time.Second), d})
	if err != nil {
		return nil, time.Time{}, sinks.Errorf(sinks.Refused, op, "the message cannot be written as JSON")
	}
	defer clear(body)
	id := "msg_" + rand.Text()
	err = httpapi.Retry(ctx, func(ctx context.Context) error {
		headers, err := s.signer.headers(ctx, id, time.Now(), body)
		if err != nil {
			return err
		}
		resp, err := s.api.Do(ctx, httpapi.Request{
			Op: op, Method: http.MethodPost, Path: s.path, Header: headers, Body: body, Explain: explain(op),
		}, &answer)
		at = resp.Date
		return err
	})
	return answer, at, err
}

// explain says what a receiver under the contract means by its status.
func explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		switch status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "the receiver does not accept the signature")
		case http.StatusNotFound, http.StatusGone:
			return sinks.Errorf(sinks.Missing, op, "the receiver, or its target, does not exist")
		}
		return nil
	}
}
