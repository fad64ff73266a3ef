package standin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"keyturn/rotator/rotatortest"
)

// place is where a store is: each account has one per Region.
type place struct{ account, region string }

// store is Secrets Manager and Parameter Store of one place.
type store struct {
	place
	mu         sync.Mutex
	secrets    map[string]*Secret
	parameters map[string]*Parameter
}

// store is made when it is first asked for.
func (s *Server) store(p place) *store {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.stores[p]
	if !ok {
		st = &store{place: p, secrets: map[string]*Secret{}, parameters: map[string]*Parameter{}}
		s.stores[p] = st
	}
	return st
}

// operation answers one action of a JSON service under the store's lock.
type operation struct {
	service string
	do      func(st *store, now time.Time, in input) (any, error)
}

// input is every parameter of every action that is known.
type input struct {
	Name, SecretId, Value, Type, KeyId, Tier, Description, DataType string
	AllowedPattern                                                  string
	SecretString, ClientRequestToken, VersionId, VersionStage       string
	MoveToVersionId, RemoveFromVersionId                            string
	VersionStages                                                   []string
	Overwrite, WithDecryption, ForceDeleteWithoutRecovery           bool
	ParameterFilters                                                []filter
}

// filter is one of DescribeParameters.
type filter struct {
	Key, Option string
	Values      []string
}

// name is the destination that the call is about.
func (in input) name() string {
	switch {
	case in.SecretId != "":
		return in.SecretId
	case in.Name != "" || len(in.ParameterFilters) == 0:
		return in.Name
	}
	return strings.Join(in.ParameterFilters[0].Values, ",")
}

var operations = map[string]operation{
	"secretsmanager.CreateSecret":             {"secretsmanager", (*store).createSecret},
	"secretsmanager.DescribeSecret":           {"secretsmanager", (*store).describeSecret},
	"secretsmanager.GetSecretValue":           {"secretsmanager", (*store).getSecretValue},
	"secretsmanager.PutSecretValue":           {"secretsmanager", (*store).putSecretValue},
	"secretsmanager.UpdateSecretVersionStage": {"secretsmanager", (*store).updateSecretVersionStage},
	"secretsmanager.DeleteSecret":             {"secretsmanager", (*store).deleteSecret},
	"secretsmanager.RestoreSecret":            {"secretsmanager", (*store).restoreSecret},
	"AmazonSSM.PutParameter":                  {"ssm", (*store).putParameter},
	"AmazonSSM.GetParameter":                  {"ssm", (*store).getParameter},
	"AmazonSSM.DescribeParameters":            {"ssm", (*store).describeParameters},
	"AmazonSSM.DeleteParameter":               {"ssm", (*store).deleteParameter},
}

// json answers a call of the AWS JSON 1.1 protocol.
func (s *Server) json(w http.ResponseWriter, r *http.Request, target string, body []byte) {
	write := func(status int, v any) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	out, err := s.operate(r, target, body)
	if err != nil {
		refuse(err, func(e *rotatortest.Error) {
			write(e.Status, map[string]string{"__type": e.Code, "message": e.Message})
		})
		return
	}
	write(http.StatusOK, out)
}

func (s *Server) operate(r *http.Request, target string, body []byte) (any, error) {
	c, err := s.authenticate(r, body)
	if err != nil {
		return nil, jsonAuth(err)
	}
	op, ok := operations[target]
	if !ok || c.service != op.service {
		return nil, failed("UnknownOperationException", "the operation is not known")
	}
	var in input
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, failed("SerializationException", "the body is not JSON of the form that is required")
	}
	f, err := s.fault(r, target, c, in)
	if err != nil {
		return nil, err
	}
	who, err := c.account.Accept(c.key, c.service, c.region)
	if err != nil {
		return nil, jsonAuth(err)
	}
	st := s.store(place{who.Account, c.region})
	st.mu.Lock()
	out, err := op.do(st, c.account.Clock(), in)
	st.mu.Unlock()
	if err == nil && (f == rotatortest.FailAfter || f == rotatortest.Truncated) {
		err = rotatortest.ErrLost
	}
	if f == rotatortest.HangAfter {
		<-r.Context().Done()
		err = rotatortest.ErrLost
	}
	return out, err
}

// fault is what the hook says, as far as it stops the call before it is applied.
func (s *Server) fault(r *http.Request, target string, c caller, in input) (rotatortest.Fault, error) {
	_, op, _ := strings.Cut(target, ".")
	s.mu.Lock()
	s.calls[op]++
	call := rotatortest.Call{Op: op, N: s.calls[op], By: c.key, User: in.name()}
	s.mu.Unlock()
	if s.StoreFault == nil {
		return rotatortest.None, nil
	}
	f := s.StoreFault(call)
	switch f {
	case rotatortest.Unreachable:
		return f, rotatortest.ErrUnreachable
	case rotatortest.Hang:
		<-r.Context().Done()
		return f, rotatortest.ErrLost
	case rotatortest.FailBefore:
		return f, &rotatortest.Error{Status: 500, Code: "InternalServiceError", Message: "An error occurred on the server side."}
	case rotatortest.Throttle:
		return f, failed("ThrottlingException", "Rate exceeded")
	case rotatortest.Denied:
		return f, failed("AccessDeniedException", "User is not authorized to perform this action")
	case rotatortest.UnknownKey:
		return f, jsonAuth(errUnknown)
	case rotatortest.Expired:
		return f, failed("ExpiredTokenException", "The security token included in the request is expired")
	}
	return f, nil
}

// jsonAuth gives the refusal of a signature the name that JSON services use.
func jsonAuth(err error) error {
	var e *rotatortest.Error
	if !errors.As(err, &e) {
		return err
	}
	names := map[string]string{
		"InvalidClientTokenId": "UnrecognizedClientException", "SignatureDoesNotMatch": "InvalidSignatureException",
		"ExpiredToken": "ExpiredTokenException", "MissingAuthenticationToken": "MissingAuthenticationTokenException",
		"IncompleteSignature": "IncompleteSignatureException",
	}
	return failed(names[e.Code], e.Message)
}

func failed(code, message string) *rotatortest.Error {
	return &rotatortest.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// seconds is a time as AWS JSON writes it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
