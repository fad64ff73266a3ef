package awsiam

import (
	"context"
	"errors"
	"net/http/httptrace"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"keyturn/internal/pace"
	"keyturn/internal/secret"
	"keyturn/rotator"
)

// Create makes a key. One request is sent; it is repeated only after AWS refused it for its
// rate, or once for a session that had ended: then nothing was created. Whatever went wrong after a connection was there, and is not an answer that
// AWS gives before it creates, is ClassUnclear: a key may exist whose secret nobody has. Its id is in
// the error if it could be read.
//
// Source: measured against SDK v1.64.6, whose own retry makes two keys when the first answer is lost.
func (i *Issuer) Create(ctx context.Context, user string) (rotator.Key, secret.Text, error) {
	if user == "" {
		return rotator.Key{}, secret.Text{}, failure(opCreate, rotator.ClassInvalid, "", errNoName)
	}
	var key rotator.Key
	var text secret.Text
	ctx = pace.Urgent(ctx) // its deadline is journalled: it does not queue behind reads
	err := untilTaken(ctx, func() (err error) {
		key, text, err = i.createOnce(ctx, user)
		return err
	})
	return key, text, err
}

const opCreate = "CreateAccessKey"

// unclear are the two ways in which a 200 can be of no use.
var (
	errNoPair   = errors.New("the answer holds no pair: a key may exist")
	errAttempts = errors.New("more than one request was sent: another key may exist")
)

func (i *Issuer) createOnce(ctx context.Context, user string) (rotator.Key, secret.Text, error) {
	w := &watch{}
	out, err := i.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user}, func(o *iam.Options) {
		o.Retryer = aws.NopRetryer{}
		o.APIOptions = append(o.APIOptions, w.add)
	})
	if err != nil {
		return rotator.Key{}, secret.Text{}, w.judge(classify(opCreate, err))
	}
	k := out.AccessKey
	if k == nil || aws.ToString(k.AccessKeyId) == "" || aws.ToString(k.SecretAccessKey) == "" || !strings.EqualFold(aws.ToString(k.UserName), user) {
		e := failure(opCreate, rotator.ClassUnclear, "", errNoPair)
		if k != nil {
			e.Key = rotator.KeyID(aws.ToString(k.AccessKeyId))
		}
		return rotator.Key{}, secret.Text{}, e
	}
	text := secret.FromString(*k.SecretAccessKey)
	k.SecretAccessKey = nil
	key := rotator.Key{ID: rotator.KeyID(*k.AccessKeyId), Status: rotator.KeyStatus(k.Status), CreatedAt: aws.ToTime(k.CreateDate)}
	if r, ok := retry.GetAttemptResults(out.ResultMetadata); ok && len(r.Results) > 1 {
		text.Wipe()
		e := failure(opCreate, rotator.ClassUnclear, "", errAttempts)
		e.Key = key.ID
		return rotator.Key{}, secret.Text{}, e
	}
	return key, text, nil
}

// watch sees what becomes of the one request.
type watch struct {
	sent atomic.Bool // it had a connection, so AWS may have received it
	key  rotator.KeyID
}

// add puts the watch around the request itself, inside of everything that fetches credentials
// with requests of its own.
func (w *watch) add(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("keyturn/watch", w.request), middleware.Before)
}

func (w *watch) request(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { w.sent.Store(true) },
	})
	out, md, err := next.HandleDeserialize(ctx, in)
	var body *smithy.DeserializationError
	if errors.As(err, &body) {
		w.key = keyIn(body.Snapshot)
		clear(body.Snapshot) // it holds the secret
		body.Snapshot = nil
	}
	return out, md, err
}

var keyElement = regexp.MustCompile(`<AccessKeyId>(\w{16,128})</AccessKeyId>`)

// keyIn is the id of a key in what there is of an answer.
func keyIn(answer []byte) rotator.KeyID {
	if m := keyElement.FindSubmatch(answer); m != nil {
		return rotator.KeyID(m[1])
	}
	return ""
}

// judge turns what is no proof that nothing was created into ClassUnclear.
func (w *watch) judge(err error) error {
	var e *rotator.IssuerError
	if !errors.As(err, &e) || e.Class != rotator.ClassTemporary || !w.sent.Load() {
		return err
	}
	e.Class = rotator.ClassUnclear
	e.Key = w.key
	return e
}
