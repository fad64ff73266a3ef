//go:build e2e

package e2e

import (
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"keyturn/internal/e2e/faultproxy"
)

// look is how often the watch lets the served pairs sign.
const look = 40 * time.Millisecond

// watch lets every pair that a sink serves at the moment sign GetCallerIdentity, again and again, and after every change
// of a key before keyturn sees the answer. One that does not sign is an outage, and fails the test. The caller ends it.
func (g *guest) watch() (stop func()) {
	g.Helper()
	var one sync.Mutex
	looks, over := 0, false
	check := func() {
		one.Lock()
		defer one.Unlock()
		if over { // a request of a process that was killed may still be served
			return
		}
		looks++
		g.available()
	}
	check()
	g.iam.OnChange(func(faultproxy.Call) { check() })
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(look):
				check()
			}
		}
	}()
	return func() {
		g.Helper()
		close(done)
		<-ended
		check()
		one.Lock()
		defer one.Unlock()
		if over = true; looks < 3 {
			g.Errorf("the served pairs signed %d times only", looks)
		}
	}
}

// available fails if a served pair does not sign; a sink may serve none, as long as it never did. A sink that has been changed meanwhile is read again.
func (g *guest) available() {
	for sink := range g.served() {
		failed := 0
		for {
			p := g.served()[sink]
			if p.ID == "" {
				break
			}
			g.mu.Lock()
			g.wasOut[p.ID] = true
			g.mu.Unlock()
			err := g.witness(p)
			if err == nil {
				break
			}
			if c := code(err); c != "InvalidClientTokenId" && c != "SignatureDoesNotMatch" {
				if failed++; failed < 5 {
					continue // of the emulator itself
				}
			}
			if g.served()[sink] == p {
				g.Errorf("OUTAGE: %s serves %q, which does not sign: %v", sink, p.ID, err)
				break
			}
		}
	}
}

// witness signs with p without leaving a trace in the timeline.
func (g *guest) witness(p pair) error {
	c := g.awsConfig(p)
	c.HTTPClient = &http.Client{Transport: witness{}}
	_, err := sts.NewFromConfig(c, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} }).
		GetCallerIdentity(g.Context(), &sts.GetCallerIdentityInput{})
	return err
}

type witness struct{}

func (witness) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(faultproxy.WitnessHeader, "1")
	return http.DefaultTransport.RoundTrip(r)
}
