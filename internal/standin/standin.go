// Package standin is AWS in one process, as far as keyturn uses it: IAM and STS over a
// [rotatortest.IAM], and small Secrets Managers and Parameter Stores, all behind one HTTP address.
// Signatures are really checked, so that a key that is Inactive, deleted or not known yet, and a
// wrong secret, are refused as AWS refuses them.
//
//	model := rotatortest.NewIAM("111122223333")
//	aws, err := standin.Start(model)
//	defer aws.Close()
//	os.Setenv("AWS_ENDPOINT_URL", aws.URL)
//
// The demonstration, the tests of commands and sinks, and the benchmarks run against it. What it
// cannot do it refuses with InvalidAction; permissions and KMS keys it does not know.
package standin

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// maxBody bounds a request. The largest parameter of the calls that are known has 64 KiB.
const maxBody = 1 << 20

// Server is the stand-in, an http.Handler. Its fields are knobs to set before the first call.
type Server struct {
	// URL is where a server that was started listens.
	URL string
	// PageSize is how many members a list shows at most; 0 is AWS's default of 100.
	PageSize int
	// StoreFault is asked once per call to Secrets Manager or Parameter Store. Op is the action, User the
	// name of the secret or parameter. It may be called from several goroutines.
	StoreFault func(rotatortest.Call) rotatortest.Fault

	accounts []*rotatortest.IAM
	server   *http.Server

	mu     sync.Mutex
	stores map[place]*store
	calls  map[string]int
}

// New is a stand-in for the accounts.
func New(accounts ...*rotatortest.IAM) *Server {
	return &Server{accounts: accounts, stores: map[place]*store{}, calls: map[string]int{}}
}

// Start is New on a free port of the loopback interface. Close ends it.
func Start(accounts ...*rotatortest.IAM) (*Server, error) {
	s := New(accounts...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for AWS: %w", err)
	}
	s.URL = "http://" + l.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// Close stops listening and cuts off what is under way.
func (s *Server) Close() error {
	if s.server == nil {
		return nil
	}
	return s.server.Close()
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody || r.Method != http.MethodPost || r.URL.Path != "/" {
		http.Error(w, "not a call of the kind that is known here", http.StatusBadRequest)
		return
	}
	h := w.Header()
	h.Set("Date", s.clock().Format(http.TimeFormat))
	h.Set("X-Amzn-Requestid", requestID())
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		s.json(w, r, target, body)
		return
	}
	s.query(w, r, body)
}

// clock is AWS's time.
func (s *Server) clock() time.Time {
	if len(s.accounts) == 0 {
		return time.Now().UTC()
	}
	return s.accounts[0].Clock()
}

// account finds one by its number.
func (s *Server) account(number string) (*rotatortest.IAM, bool) {
	for _, m := range s.accounts {
		if m.Account() == number {
			return m, true
		}
	}
	return nil, false
}

// caller is who signed a request.
type caller struct {
	key             rotator.KeyID
	account         *rotatortest.IAM
	service, region string // that the signature is for
}

// refuse gives err back as AWS would, by write. A call that got no answer ends with its connection.
func refuse(err error, write func(*rotatortest.Error)) {
	var e *rotatortest.Error
	if !errors.As(err, &e) {
		panic(http.ErrAbortHandler)
	}
	write(e)
}
