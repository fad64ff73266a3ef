package pulumiesc

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Source of all requests: "Pulumi ESC REST API", "Environments".

// definition is what Pulumi holds.
type definition struct {
	text     string
	etag     string
	revision int
	at       time.Time // Pulumi's clock when it answered
}

func (d definition) receipt() sinks.Receipt { return receipt(d.revision, d.at) }

func receipt(revision int, at time.Time) sinks.Receipt {
	if revision == 0 {
		return sinks.Receipt{At: at}
	}
	return sinks.Receipt{Stamp: strconv.Itoa(revision), At: at}
}

func accept(_ context.Context, h http.Header) error {
	h.Set("Accept", "application/vnd.pulumi+8")
	return nil
}

func (s *sink) address() string {
	return "/api/esc/environments/" + url.PathEscape(s.cfg.Organization) + "/" + url.PathEscape(s.cfg.Project) + "/" + url.PathEscape(s.cfg.Environment)
}

// stored is the definition with its ciphertexts.
func (s *sink) stored(ctx context.Context) (definition, error) { return s.get(ctx, "read", "") }

// decrypted is the definition with plain secrets.
func (s *sink) decrypted(ctx context.Context) (definition, error) {
	return s.get(ctx, "decrypt", "/decrypt")
}

func (s *sink) get(ctx context.Context, verb, below string) (definition, error) {
	var raw []byte
	op := "pulumi-esc: " + verb + " " + s.cfg.name()
	resp, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: s.address() + below, Explain: explain(op)}, &raw)
	if err != nil {
		return definition{}, err
	}
	defer clear(raw)
	return definition{text: string(raw), etag: resp.Header.Get("ETag"), revision: revision(resp), at: resp.Date}, nil
}

// write replaces the definition that has the ETag. It is made once: a repetition after a lost answer would conflict
// with itself, so the caller reads again.
func (s *sink) write(ctx context.Context, text, etag string) (sinks.Receipt, error) {
	op := "pulumi-esc: write " + s.cfg.name()
	if etag == "" {
		return sinks.Receipt{}, sinks.Errorf(sinks.Refused, op, "the answer had no ETag: a change of somebody else could be lost")
	}
	body := []byte(text)
	defer clear(body)
	resp, err := s.api.Do(ctx, httpapi.Request{
		Op: op, Method: http.MethodPatch, Path: s.address(), Body: body, Explain: explain(op),
		Header: http.Header{"Content-Type": {"application/x-yaml"}, "Etag": {etag}},
	}, nil)
	if err != nil {
		return sinks.Receipt{}, err
	}
	return receipt(revision(resp), resp.Date), nil
}

func revision(resp httpapi.Response) int {
	n, _ := strconv.Atoi(resp.Header.Get("Pulumi-ESC-Revision"))
	return n
}

// explain says what a status means here.
func explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		switch status {
		case http.StatusBadRequest:
			return sinks.Errorf(sinks.Refused, op, "Pulumi does not accept the definition")
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "the environment does not exist, or the token may not see it")
		case http.StatusConflict:
			return sinks.Errorf(sinks.Conflict, op, "somebody else wrote at the same time")
		}
		return nil
	}
}
