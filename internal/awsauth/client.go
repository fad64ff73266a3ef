package awsauth

import (
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
)

// maxAnswer bounds the answer to a call. The largest that is asked for is a page of a list.
const maxAnswer = 4 << 20

// newHTTPClient is the one client of all accounts. The SDK would build a client, and with it a
// set of connections, for each of its service clients. What cfg knows of proxies and AWS_CA_BUNDLE is kept.
func newHTTPClient(cfg aws.Config, o Options) *http.Client {
	transport := o.Transport
	if transport == nil {
		transport = newTransport(cfg, o.Concurrency)
	}
	return &http.Client{
		Transport: capped{transport},
		// An API does not redirect. Whoever does is not AWS.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport(cfg aws.Config, concurrency int) *http.Transport {
	b, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		b = awshttp.NewBuildableClient()
	}
	t := b.GetTransport()
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 5 * time.Second
	t.MaxIdleConns = 0                      // no limit beside the next one
	t.MaxIdleConnsPerHost = 4 * concurrency // a robot's calls go side by side
	// Short: a POST on a connection that the other side is about to close is lost, and a lost
	// CreateAccessKey is an unclear one.
	t.IdleConnTimeout = 20 * time.Second
	return t
}

// capped bounds the bodies of answers.
type capped struct{ http.RoundTripper }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if resp != nil && resp.Body != nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// userAgent adds "name/version" to what the SDK says of itself.
func userAgent(agent string) []func(*middleware.Stack) error {
	if agent == "" {
		return nil
	}
	name, version, _ := strings.Cut(agent, "/")
	return []func(*middleware.Stack) error{awsmiddleware.AddUserAgentKeyValue(name, version)}
}
