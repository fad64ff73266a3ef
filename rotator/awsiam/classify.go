package awsiam

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"keyturn/internal/awsauth"
	"keyturn/rotator"
)

// The codes with a meaning of their own. Source: Common Errors and the pages of the calls in
// the IAM and STS API References. A code that is in no table is ClassInvalid if it came with a
// 4xx, as AWS answers before it does anything; everything else is ClassTemporary.
var (
	// unknownKey: the access key that signed is unknown, or not known yet, or not any more.
	unknownKey = map[string]bool{
		"InvalidClientTokenId": true, "InvalidAccessKeyId": true, "AuthFailure": true,
		"UnrecognizedClientException": true, "InvalidToken": true,
	}
	// badCredentials: something else about the signature is wrong.
	badCredentials = map[string]bool{
		badSignature: true, "InvalidSignatureException": true, "IncompleteSignature": true,
		"MissingAuthenticationToken": true, "MissingAuthenticationTokenException": true,
		"RequestExpired": true, "RequestTimeTooSkewed": true,
		"ExpiredToken": true, "ExpiredTokenException": true,
	}
	denied = map[string]bool{
		"AccessDenied": true, "AccessDeniedException": true, "UnauthorizedOperation": true, "NotAuthorized": true,
	}
	busy = map[string]bool{
		"EntityTemporarilyUnmodifiable": true, "ConcurrentModification": true, "ConcurrentModificationException": true,
	}
	// unanswered: a 4xx that does not say that nothing was done.
	unanswered = map[string]bool{"RequestTimeout": true, "RequestTimeoutException": true, "UnknownError": true, "": true}
)

var (
	errAnswer        = errors.New("the answer is not understood")
	errNoCredentials = errors.New("there are no credentials")
)

// failure makes an error of this package.
func failure(op string, c rotator.IssuerClass, code string, err error) *rotator.IssuerError {
	return &rotator.IssuerError{Class: c, Op: op, Code: code, Err: err}
}

// class is that of err; "" if it is no *rotator.IssuerError.
func class(err error) rotator.IssuerClass {
	var e *rotator.IssuerError
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// code is AWS's code in err.
func code(err error) string {
	var e *rotator.IssuerError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// missing says that AWS did not find the user, or the thing of the user that was named.
func missing(err error) bool { return code(err) == "NoSuchEntity" }

// classify makes an *rotator.IssuerError of what the SDK returned; nil of nil. What the SDK
// returned is not kept.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	c, code, text := explain(op, err)
	return failure(op, c, code, text)
}

// explain finds the class, AWS's code, and a text that holds nothing of a body.
func explain(op string, err error) (rotator.IssuerClass, string, error) {
	var (
		own    *awsauth.CredentialsError
		gaveUp *awsauth.GaveUp
		api    smithy.APIError
	)
	switch {
	case errors.As(err, &own):
		return explainOwn(own)
	case errors.As(err, &gaveUp):
		return explainGaveUp(op, gaveUp)
	case errors.As(err, &api):
		return explainAnswer(op, api, err)
	}
	var body *smithy.DeserializationError
	if s := status(err); s != 0 || errors.As(err, &body) {
		return rotator.ClassTemporary, "", fmt.Errorf("HTTP %d, and an answer that is cut off or not understood", s)
	}
	return rotator.ClassTemporary, "", stripped(err)
}

// explainOwn is about keyturn's own credentials, which could not be fetched.
func explainOwn(e *awsauth.CredentialsError) (rotator.IssuerClass, string, error) {
	if e.Role == "" {
		var process *processcreds.ProviderError
		if errors.As(e.Err, &process) { // its text can quote what the process printed
			return rotator.ClassCredentials, "", errors.New("no credentials: the credential_process failed")
		}
		why := strings.TrimPrefix(e.Err.Error(), "failed to refresh cached credentials, ")
		return rotator.ClassCredentials, "", fmt.Errorf("no credentials: %s: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where there is a role", bounded(why))
	}
	_, code, text := explain("AssumeRole", e.Err)
	if e.Passing() {
		return rotator.ClassTemporary, code, fmt.Errorf("%s: %w", e.Role, text)
	}
	if denied[code] {
		text = fmt.Errorf("%w: check the role's trust policy and external id, and that keyturn may assume it", text)
	}
	return rotator.ClassCredentials, code, fmt.Errorf("%s: %w", e.Role, text)
}

// explainGaveUp is about a call whose context ended, as it failed before that.
func explainGaveUp(op string, e *awsauth.GaveUp) (rotator.IssuerClass, string, error) {
	if e.Last == nil {
		return rotator.ClassTemporary, "", e.Cause
	}
	c, code, last := explain(op, e.Last)
	if c != rotator.ClassThrottled {
		c = rotator.ClassTemporary
	}
	return c, code, fmt.Errorf("%w after %s, the last: %w", e.Cause, e.Tries(), last)
}

// explainAnswer is about an error that AWS answered with.
func explainAnswer(op string, api smithy.APIError, err error) (rotator.IssuerClass, string, error) {
	code, message := api.ErrorCode(), bounded(api.ErrorMessage())
	text := errors.New(code + ": " + message)
	switch {
	case awsauth.Throttled(err):
		return rotator.ClassThrottled, code, text
	case unknownKey[code]:
		return rotator.ClassCredentials, code, errors.New(code + ": AWS does not know the access key that keyturn signs with: it was deactivated, deleted or mistyped, or its session token is missing")
	case code == "ExpiredToken", code == "ExpiredTokenException":
		return rotator.ClassCredentials, code, errors.New(code + ": the session that keyturn signs with has ended: renew its credentials")
	case badCredentials[code]:
		// AWS's message quotes the signed request, and with it a session token.
		return rotator.ClassCredentials, code, errors.New(code + ": AWS does not accept keyturn's own signature: its secret key is wrong, or this host's clock is off")
	case denied[code] && strings.Contains(message, quarantinePrefix):
		return rotator.ClassQuarantined, code, text
	case denied[code]:
		return rotator.ClassDenied, code, text
	case busy[code]:
		return rotator.ClassBusy, code, text
	case code == "LimitExceeded" && op == opCreate:
		return rotator.ClassLimit, code, text
	case code == "NoSuchEntity":
		return whatIsMissing(op, message), code, text
	}
	if s := status(err); unanswered[code] || s < 400 || s > 499 {
		return rotator.ClassTemporary, code, fmt.Errorf("HTTP %d: %w", s, text)
	}
	return rotator.ClassInvalid, code, text
}

// whatIsMissing reads AWS's message, which is the only place that tells.
func whatIsMissing(op, message string) rotator.IssuerClass {
	m := strings.ToLower(message)
	switch {
	case strings.Contains(m, "access key"):
		return rotator.ClassNoKey
	case strings.Contains(m, "user"):
		return rotator.ClassNoUser
	case op == "UpdateAccessKey", op == "DeleteAccessKey":
		return rotator.ClassNoKey
	case op == "DetachUserPolicy":
		return rotator.ClassInvalid
	}
	return rotator.ClassNoUser
}

// status is the HTTP status of the answer; 0 if there was none.
func status(err error) int {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		return answered.HTTPStatusCode()
	}
	return 0
}

// stripped is what happened on the network, without the layers that the SDK and net/http put
// around it.
func stripped(err error) error {
	for {
		var inner error
		switch e := err.(type) { //nolint:errorlint // layers are taken off one by one
		case *smithy.OperationError:
			inner = e.Err
		case *smithyhttp.RequestSendError:
			inner = e.Err
		case *url.Error:
			inner = e.Err
		case interface{ HTTPStatusCode() int }:
			inner = errors.Unwrap(err)
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}

// maxText bounds what is taken over of AWS's messages.
const maxText = 512

// bounded is one line of s.
func bounded(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "..."
	}
	return s
}
