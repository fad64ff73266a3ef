package awsauth

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// throttleCodes are AWS's ways to say "slower". LimitExceeded is not among them: that is a
// quota, and waiting does not help. Source: Common Errors in the IAM API Reference, and the SDK's list.
var throttleCodes = map[string]bool{
	"Throttling":                             true,
	"ThrottlingException":                    true,
	"ThrottledException":                     true,
	"RequestThrottled":                       true,
	"RequestThrottledException":              true,
	"RequestLimitExceeded":                   true,
	"TooManyRequests":                        true,
	"TooManyRequestsException":               true,
	"ProvisionedThroughputExceededException": true,
	"BandwidthLimitExceeded":                 true,
	"EC2ThrottledException":                  true,
	"SlowDown":                               true,
}

// Throttled says that AWS refused the call for its rate alone: nothing was done.
func Throttled(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) && throttleCodes[api.ErrorCode()] {
		return true
	}
	return status(err) == http.StatusTooManyRequests
}

// retryAfter is how long AWS asks to wait, in whole seconds; 0 if it does not say.
func retryAfter(err error) time.Duration {
	var answered *smithyhttp.ResponseError
	if !errors.As(err, &answered) || answered.Response == nil || answered.Response.Response == nil {
		return 0
	}
	seconds, err := strconv.ParseUint(answered.Response.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// status is the HTTP status of an answer; 0 if there was none.
func status(err error) int {
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		return answered.HTTPStatusCode()
	}
	return 0
}
