package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// version is that of the protocol (docs/exec-protocol.md).
const version = 1

// The operations.
const (
	opDescribe = "describe"
	opCheck    = "check"
	opPush     = "push"
	opVerify   = "verify"
	opServing  = "serving"
)

// exitTemporary is EX_TEMPFAIL of sysexits.h.
const exitTemporary = 75

// request is what a plugin reads. The order of its members is part of the protocol: a
// shell without a JSON parser finds the pair as the last match.
type request struct {
	Version    int               `json:"version"`
	Op         string            `json:"op"`
	Config     map[string]string `json:"config"`
	Secrets    map[string]string `json:"secrets,omitempty"`
	Previous   sinks.KeyID       `json:"previous_access_key_id,omitempty"`
	Receipt    *sinks.Receipt    `json:"receipt,omitempty"`
	Credential *credential       `json:"credential,omitempty"`
}

type credential struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// encode is the request as one line. Whoever calls it wipes the result.
func (r request) encode() ([]byte, error) {
	if r.Config == nil {
		r.Config = map[string]string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, errors.New("the request cannot be encoded")
	}
	return b.Bytes(), nil
}

func credentialOf(c sinks.Credential) *credential {
	return &credential{AccessKeyID: string(c.KeyID), SecretAccessKey: c.Secret.Reveal()}
}

func reveal(secrets map[string]secret.Text) map[string]string {
	out := make(map[string]string, len(secrets))
	for name, text := range secrets {
		out[name] = text.Reveal()
	}
	return out
}

// answer is what a plugin writes. Unknown members are ignored, so that a plugin can be
// newer than the program that runs it.
type answer struct {
	Version     int            `json:"version"`
	Best        string         `json:"best_evidence,omitempty"` // describe
	Readable    bool           `json:"readable,omitempty"`      // describe
	Warnings    []string       `json:"warnings,omitempty"`      // check
	Receipt     *sinks.Receipt `json:"receipt,omitempty"`       // push
	Evidence    string         `json:"evidence,omitempty"`      // verify
	AccessKeyID *string        `json:"access_key_id,omitempty"` // serving
	Error       *failure       `json:"error,omitempty"`
}

type failure struct {
	Class      string  `json:"class"`
	Message    string  `json:"message"`
	RetryAfter float64 `json:"retry_after_seconds,omitempty"`
}

// The bounds of what is taken from an answer.
const (
	maxWarnings = 20
	maxStamp    = 256
	maxData     = 16 << 10
)

// decode reads the one JSON object of an answer.
func decode(stdout []byte) (a answer, err error) {
	dec := json.NewDecoder(bytes.NewReader(stdout))
	if err := dec.Decode(&a); err != nil {
		return answer{}, errors.New("the answer is not a JSON object of this protocol")
	}
	if _, err := dec.Token(); err != io.EOF {
		return answer{}, errors.New("more follows behind the answer")
	}
	if a.Version != version {
		return answer{}, fmt.Errorf("the answer is of version %d, this is version %d", a.Version, version)
	}
	return a, nil
}

// receipt is the receipt in bounds: it is journalled.
func (a answer) receipt() (sinks.Receipt, error) {
	if a.Receipt == nil {
		return sinks.Receipt{}, nil
	}
	r := *a.Receipt
	switch {
	case len(r.Stamp) > maxStamp || strings.ContainsFunc(r.Stamp, unprintable):
		return sinks.Receipt{}, fmt.Errorf("the stamp must be at most %d printable characters", maxStamp)
	case len(r.Data) > maxData:
		return sinks.Receipt{}, fmt.Errorf("the receipt's data is larger than %d bytes", maxData)
	}
	return r, nil
}

// declared is the evidence that a plugin names; only those that Verify can give.
func declared(name string) (sinks.Evidence, error) {
	e, err := sinks.ParseEvidence(name)
	if err != nil || e < sinks.Accepted || e > sinks.Exact {
		return sinks.None, errors.New("the evidence must be accepted, stamped, partial or exact")
	}
	return e, nil
}

// servedShape keeps a plugin from passing a secret off as an id.
var servedShape = regexp.MustCompile(`^[A-Z0-9_]{0,128}$`)

// classOf is the class of a failure. The exit status decides whether the call is tried
// again; the answer can only say more.
func (a answer) classOf(exit int) sinks.Class {
	class, others := sinks.Refused, []sinks.Class{sinks.Denied, sinks.Missing, sinks.Stale}
	if exit == exitTemporary {
		class, others = sinks.Temporary, []sinks.Class{sinks.Throttled, sinks.Conflict}
	}
	for _, c := range others {
		if a.Error != nil && a.Error.Class == c.String() {
			return c
		}
	}
	return class
}
