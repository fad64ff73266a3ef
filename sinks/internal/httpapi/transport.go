package httpapi

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// maxBody bounds every answer; the largest expected one is a list of some hundred names.
const maxBody = 4 << 20

var (
	errTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxBody)
	errRedirect = errors.New("the store redirects to another address")
)

// HTTPClient is a client for libraries that bring their own requests: proxies from the
// environment, answers bounded, no redirect to another host or method, User-Agent set.
// caCert is the path of a PEM file; "" means the system's roots.
func HTTPClient(userAgent, caCert string) (*http.Client, error) {
	config := &tls.Config{}
	if caCert != "" {
		roots, err := readRoots(caCert)
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	return newHTTPClient(userAgent, config), nil
}

func newHTTPClient(userAgent string, config *tls.Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.IdleConnTimeout = 30 * time.Second
	t.MaxIdleConnsPerHost = 8
	config.MinVersion = tls.VersionTLS12
	t.TLSClientConfig = config
	return &http.Client{Transport: bounded{t, userAgent}, CheckRedirect: sameHost}
}

func readRoots(path string) (*x509.CertPool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the CA certificates: %w", err)
	}
	defer f.Close()
	pem, err := io.ReadAll(io.LimitReader(f, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read the CA certificates: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the CA certificates: %s holds no certificate in PEM", path)
	}
	return roots, nil
}

// sameHost keeps tokens, which net/http sends along in headers it does not know, where they belong.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	same := req.URL.Host == first.URL.Host && req.URL.Scheme == first.URL.Scheme && req.Method == first.Method
	if !same || len(via) > 3 {
		return errRedirect
	}
	return nil
}

// bounded is a transport whose answers end.
type bounded struct {
	next      http.RoundTripper
	userAgent string
}

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.userAgent != "" {
		req = req.Clone(req.Context())
		req.Header.Set("User-Agent", b.userAgent)
	}
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &body{resp.Body, maxBody}
	return resp, nil
}

// CloseIdleConnections makes http.Client's work.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body fails once more than left bytes were read.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// plainHost says whether base sends secrets unencrypted to another machine.
func plainHost(scheme, host string) bool {
	return scheme == "http" && host != "localhost" && !net.ParseIP(host).IsLoopback()
}
