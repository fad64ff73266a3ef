package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"keyturn/internal/awsauth"
	"keyturn/internal/standin"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

func answer(status int, err error) error {
	return &smithy.OperationError{ServiceID: "SSM", OperationName: "PutParameter", Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err},
	}}
}

func api(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "Value 'hunter2' failed"}
}

func TestEveryErrorHasItsClass(t *testing.T) {
	tests := map[string]struct {
		err   error
		class sinks.Class
		want  string
	}{
		"not there":                 {answer(400, api("ResourceNotFoundException")), sinks.Missing, "op: ResourceNotFoundException"},
		"refused":                   {answer(400, api("ValidationException")), sinks.Refused, "op: ValidationException"},
		"a quota":                   {answer(400, api("LimitExceededException")), sinks.Refused, "op: LimitExceededException"},
		"not allowed":               {answer(400, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: a is not authorized to perform: b"}), sinks.Denied, "op: AccessDeniedException: User: a is not authorized to perform: b"},
		"a key that AWS forgot":     {answer(400, api("UnrecognizedClientException")), sinks.Denied, "op: UnrecognizedClientException"},
		"throttled":                 {answer(400, api("ThrottlingException")), sinks.Throttled, "op: ThrottlingException"},
		"throttled by its status":   {answer(429, api("Unheard")), sinks.Throttled, "op: Unheard"},
		"many updates at once":      {answer(400, api("TooManyUpdates")), sinks.Throttled, "op: TooManyUpdates"},
		"a failure":                 {answer(500, api("InternalServerError")), sinks.Temporary, "op: InternalServerError"},
		"an unknown failure":        {answer(503, api("Unheard")), sinks.Temporary, "op: Unheard"},
		"a conflict":                {answer(400, api("ResourceExistsException")), sinks.Conflict, "op: ResourceExistsException"},
		"an answer that is no JSON": {answer(200, &smithy.DeserializationError{Err: errors.New("x"), Snapshot: []byte("hunter2")}), sinks.Temporary, "op: the answer cannot be read (status 200)"},
		"no connection":             {&smithy.OperationError{Err: &smithyhttp.RequestSendError{Err: errors.New("connection refused")}}, sinks.Temporary, "op: connection refused"},
		"cancelled":                 {&smithy.OperationError{Err: &smithy.CanceledError{Err: context.Canceled}}, sinks.Temporary, "op: context canceled"},
		"too late":                  {fmt.Errorf("x: %w", context.DeadlineExceeded), sinks.Temporary, "op: context deadline exceeded"},
		"no credentials":            {&awsauth.CredentialsError{Err: errors.New("none in the chain")}, sinks.Denied, "op: no credentials: none in the chain"},
		"a busy STS": {&awsauth.CredentialsError{Role: "assume role r", Err: &awsauth.GaveUp{Cause: context.DeadlineExceeded}}, sinks.Temporary,
			"op: assume role r: context deadline exceeded"},
		"given up":                 {&awsauth.GaveUp{Cause: context.DeadlineExceeded}, sinks.Temporary, "op: context deadline exceeded"},
		"given up after an answer": {&awsauth.GaveUp{Cause: context.DeadlineExceeded, Attempts: 3, Last: answer(400, api("ThrottlingException"))}, sinks.Temporary, "op: context deadline exceeded, the last answer: ThrottlingException"},
		"given up without one":     {&awsauth.GaveUp{Cause: context.DeadlineExceeded, Attempts: 3, Last: &smithyhttp.RequestSendError{Err: errors.New("connection refused")}}, sinks.Temporary, "op: context deadline exceeded, the last attempt: connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Error("op", tt.err)
			if err.Error() != tt.want || sinks.ClassOf(err) != tt.class {
				t.Errorf("got  %v (%s)\nwant %s (%s)", err, sinks.ClassOf(err), tt.want, tt.class)
			}
		})
	}
}

// TestTheClientThatIsUsed makes the calls with keyturn's own SDK configuration.
func TestTheClientThatIsUsed(t *testing.T) {
	m := rotatortest.NewIAM("111122223333")
	m.AddUser("keyturn", "/")
	k, text, err := m.AddKey("keyturn", 0)
	if err != nil {
		t.Fatal(err)
	}
	server, err := standin.Start(m)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var next atomic.Value
	server.StoreFault = func(rotatortest.Call) rotatortest.Fault { return next.Load().(rotatortest.Fault) }
	t.Setenv("AWS_ACCESS_KEY_ID", string(k.ID))
	t.Setenv("AWS_SECRET_ACCESS_KEY", text.Reveal())
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	accounts, err := awsauth.New(t.Context(), awsauth.Options{Region: "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := accounts.Config(t.Context(), awsauth.Session{})
	if err != nil {
		t.Fatal(err)
	}
	if arn, err := awsauth.Whoami(t.Context(), cfg); err != nil || arn != "arn:aws:iam::111122223333:user/keyturn" {
		t.Fatalf("%q, %v", arn, err)
	}
	get := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/p")})
		return Error("op", err)
	}
	for _, tt := range []struct {
		fault rotatortest.Fault
		class sinks.Class
		want  string
	}{
		{rotatortest.None, sinks.Missing, "op: ParameterNotFound"},
		{rotatortest.FailBefore, sinks.Temporary, "op: context deadline exceeded, the last answer: InternalServiceError"},
		{rotatortest.Unreachable, sinks.Temporary, `op: context deadline exceeded, the last attempt: Post "` + server.URL + `/": EOF`},
		{rotatortest.Hang, sinks.Temporary, "op: context deadline exceeded"},
		{rotatortest.Denied, sinks.Denied, "op: AccessDeniedException: User is not authorized to perform this action"},
		{rotatortest.UnknownKey, sinks.Denied, "op: UnrecognizedClientException"},
	} {
		next.Store(tt.fault)
		if err := get(); err.Error() != tt.want || sinks.ClassOf(err) != tt.class {
			t.Errorf("%s:\ngot  %v (%s)\nwant %s", tt.fault, err, sinks.ClassOf(err), tt.want)
		}
	}
}
