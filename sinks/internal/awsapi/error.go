// Package awsapi is what the sinks in AWS share: the meaning of the SDK's errors.
package awsapi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"keyturn/internal/awsauth"
	"keyturn/sinks"
)

// classes are the codes of Secrets Manager, Parameter Store and STS that say more than that the
// request is refused. Source: the API References, "Common Errors" and the errors of each action.
var classes = map[string]sinks.Class{
	"ResourceNotFoundException": sinks.Missing,
	"ParameterNotFound":         sinks.Missing,
	"ParameterVersionNotFound":  sinks.Missing,

	"AccessDeniedException":               sinks.Denied,
	"AccessDenied":                        sinks.Denied,
	"UnrecognizedClientException":         sinks.Denied,
	"InvalidClientTokenId":                sinks.Denied,
	"InvalidSignatureException":           sinks.Denied,
	"SignatureDoesNotMatch":               sinks.Denied,
	"IncompleteSignatureException":        sinks.Denied,
	"MissingAuthenticationTokenException": sinks.Denied,
	"ExpiredTokenException":               sinks.Denied,
	"ExpiredToken":                        sinks.Denied,
	"OptInRequired":                       sinks.Denied,
	"NotAuthorized":                       sinks.Denied,
	"DecryptionFailure":                   sinks.Denied, // the KMS key cannot be used
	"EncryptionFailure":                   sinks.Denied,

	"ResourceExistsException":     sinks.Conflict,
	"ParameterAlreadyExists":      sinks.Conflict,
	"PreconditionNotMetException": sinks.Conflict,
	"TooManyUpdates":              sinks.Throttled,
	"InternalServiceError":        sinks.Temporary,
	"InternalServerError":         sinks.Temporary,
	"InternalFailure":             sinks.Temporary,
	"ServiceUnavailable":          sinks.Temporary,
	"ServiceUnavailableException": sinks.Temporary,
	"RequestTimeout":              sinks.Temporary,
	"RequestTimeoutException":     sinks.Temporary,
}

// Error gives an error of the SDK its class. It keeps AWS's code, and AWS's text only where that
// names no more than who may not do what: other texts can repeat what was sent.
func Error(op string, err error) error {
	var (
		gaveUp *awsauth.GaveUp
		creds  *awsauth.CredentialsError
		api    smithy.APIError
		params smithy.InvalidParamsError
	)
	switch {
	case errors.As(err, &creds):
		return &sinks.Error{Class: classOfCredentials(creds), Op: op, Err: creds}
	case errors.As(err, &gaveUp):
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: &stopped{cause: gaveUp.Cause, last: gaveUp.Last}}
	case errors.As(err, &api):
		return &sinks.Error{Class: classOf(api, err), Op: op, Err: errors.New(text(api))}
	case errors.Is(err, context.Canceled):
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: context.DeadlineExceeded}
	case errors.As(err, &params):
		return &sinks.Error{Class: sinks.Refused, Op: op, Err: errors.New("the request is not complete")}
	}
	return &sinks.Error{Class: sinks.Temporary, Op: op, Err: errors.New(withoutAnswer(err))}
}

// Code is AWS's code in an error of the SDK; "" if it has none.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func classOfCredentials(e *awsauth.CredentialsError) sinks.Class {
	if e.Passing() {
		return sinks.Temporary
	}
	return sinks.Denied
}

func classOf(api smithy.APIError, err error) sinks.Class {
	code := api.ErrorCode()
	if c, ok := classes[code]; ok {
		return c
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok && code != "LimitExceededException" { // a quota, which waiting does not lift
		return sinks.Throttled
	}
	var resp interface{ HTTPStatusCode() int }
	if errors.As(err, &resp) {
		switch status := resp.HTTPStatusCode(); {
		case status >= 500:
			return sinks.Temporary
		case status == 429:
			return sinks.Throttled
		}
	}
	return sinks.Refused
}

// explained are the codes whose text names who may not do what.
var explained = []string{"AccessDeniedException", "AccessDenied"}

func text(api smithy.APIError) string {
	if slices.Contains(explained, api.ErrorCode()) && api.ErrorMessage() != "" {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return api.ErrorCode()
}

// withoutAnswer is the innermost text of an error in which AWS said nothing.
func withoutAnswer(err error) string {
	var resp interface{ HTTPStatusCode() int }
	if errors.As(err, &resp) && resp.HTTPStatusCode() != 0 {
		return fmt.Sprintf("the answer cannot be read (status %d)", resp.HTTPStatusCode())
	}
	var op *smithy.OperationError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var send interface{ ConnectionError() bool }
	if errors.As(err, &send) {
		if inner := errors.Unwrap(send.(error)); inner != nil {
			err = inner
		}
	}
	return err.Error()
}

// stopped is a call whose context ended.
type stopped struct{ cause, last error }

func (e *stopped) Error() string {
	if e.last == nil {
		return e.cause.Error()
	}
	var api smithy.APIError
	if errors.As(e.last, &api) {
		return fmt.Sprintf("%v, the last answer: %s", e.cause, text(api))
	}
	return fmt.Sprintf("%v, the last attempt: %s", e.cause, withoutAnswer(e.last))
}

func (e *stopped) Unwrap() error { return e.cause }
