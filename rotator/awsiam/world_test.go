package awsiam

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"keyturn/internal/awsauth"
	"keyturn/rotator"
)

const (
	ownKey    = "AKIARTX3GSDSOWNKEY22"
	ownSecret = "own+SecretCanary/0123456789abcdefghijklm"
	account   = "111122223333"
	bot       = "ci-bot"
)

// world is a small IAM and STS: users with keys, tags and policies, two keys at most.
type world struct {
	mu     sync.Mutex
	users  map[string]*user
	serial int
	page   int                              // entries in a page of a list; 0 is all
	calls  map[string]int                   // requests by action
	fault  func(action string, n int) fault // n counts from 1; nil is no fault
	clock  time.Duration                    // how far AWS's clock is ahead, inside a bubble
	server *httptest.Server
}

type user struct {
	path     string
	tag      string
	keys     []*key
	policies []string
}

type key struct {
	id, secret string
	active     bool
	made       time.Time
	used       time.Time
}

// fault is what goes wrong with one request.
type fault struct {
	before string // "drop", "hang": the request is not processed
	after  string // "drop", "hang", "cut": it is processed, the answer is lost
	sample string // answer with this sample of testdata/wire.json instead
	status int    // answer with this and body instead
	body   string
	noDate bool
}

func newWorld(t *testing.T) *world {
	w := emptyWorld()
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

// emptyWorld has one user without a key, and no server.
func emptyWorld() *world {
	return &world{calls: map[string]int{}, users: map[string]*user{bot: {path: "/robots/"}}}
}

// local is the network inside a synctest bubble.
type local struct {
	*world
	latency time.Duration
}

func (l local) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	defer func() {
		if recover() != nil {
			resp, err = nil, io.EOF
		}
	}()
	time.Sleep(l.latency)
	rec := httptest.NewRecorder()
	rec.Header().Set("Date", time.Now().Add(l.clock).UTC().Format(http.TimeFormat))
	l.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// inBubble runs f with an Issuer on a world inside a synctest bubble.
func inBubble(t *testing.T, latency time.Duration, f func(t *testing.T, w *world, i *Issuer)) {
	t.Helper()
	isolate(t, "http://aws.test")
	synctest.Test(t, func(t *testing.T) {
		w := emptyWorld()
		f(t, w, New(configure(t, awsauth.Options{Transport: local{w, latency}}, awsauth.Session{}), nil))
	})
}

// isolate keeps the machine's own AWS configuration out, and names the endpoint.
func isolate(t *testing.T, endpoint string) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": ownKey, "AWS_SECRET_ACCESS_KEY": ownSecret, "AWS_SESSION_TOKEN": "", "AWS_REGION": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": endpoint,
	} {
		t.Setenv(k, v)
	}
}

// open is an Issuer on the world's default account.
func (w *world) open(t *testing.T, attempt time.Duration) *Issuer {
	t.Helper()
	isolate(t, w.server.URL)
	return New(configure(t, awsauth.Options{AttemptTimeout: attempt}, awsauth.Session{}), nil)
}

func configure(t *testing.T, o awsauth.Options, s awsauth.Session) aws.Config {
	t.Helper()
	o.Region = "eu-central-1"
	accounts, err := awsauth.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := accounts.Config(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// mint makes a key outside of any request.
func (w *world) mint(name string) *key {
	w.serial++
	k := &key{
		id:     fmt.Sprintf("AKIARTX3GSDS%08d", w.serial),
		secret: fmt.Sprintf("minted/SecretCanary+%020d", w.serial),
		active: true, made: time.Now().UTC().Truncate(time.Second),
	}
	w.users[name].keys = append(w.users[name].keys, k)
	return k
}

func (w *world) count(action string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[action]
}

var signer = regexp.MustCompile(`Credential=(\w+)/`)

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	action := r.Form.Get("Action")
	w.mu.Lock()
	w.calls[action]++
	var f fault
	if w.fault != nil {
		f = w.fault(action, w.calls[action])
	}
	w.mu.Unlock()

	if f.noDate {
		rw.Header()["Date"] = nil
	}
	switch f.before {
	case "drop":
		panic(http.ErrAbortHandler)
	case "hang":
		<-r.Context().Done()
		return
	}
	if f.status != 0 {
		answer(rw, f.status, f.body)
		return
	}
	if f.sample != "" {
		s := sample(f.sample)
		answer(rw, s.Status, s.Body)
		return
	}
	var by string
	if m := signer.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		by = m[1]
	}
	status, body := w.do(action, by, r)
	if signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date")); err == nil && time.Now().Add(w.clock).Sub(signed).Abs() > 5*time.Minute {
		status, body = refusal(403, "SignatureDoesNotMatch", "Signature expired")
	}
	switch f.after {
	case "drop":
		panic(http.ErrAbortHandler)
	case "hang":
		<-r.Context().Done()
		return
	case "cut":
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body[:strings.Index(body, "</Secret")]))
		rw.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	answer(rw, status, body)
}

func answer(rw http.ResponseWriter, status int, body string) {
	rw.Header().Set("Content-Type", "text/xml")
	rw.WriteHeader(status)
	_, _ = rw.Write([]byte(body))
}

// do is one action, as AWS does it.
func (w *world) do(action, by string, r *http.Request) (int, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if by != ownKey {
		name, k := w.find(by)
		if k == nil || !k.active {
			return refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
		}
		return w.sts(action, "AIDARTX3GSDSVHZCMZNH", fmt.Sprintf("arn:aws:iam::%s:user%s%s", account, w.users[name].path, name), r)
	}
	if action == "GetCallerIdentity" || action == "AssumeRole" {
		return w.sts(action, "AIDAROTATOR", "arn:aws:iam::"+account+":user/keyturn", r)
	}
	id := r.Form.Get("AccessKeyId")
	if action == "GetAccessKeyLastUsed" {
		return w.lastUsed(id)
	}
	name := r.Form.Get("UserName")
	if name == "" {
		return refusal(400, "ValidationError", "Must specify userName when calling with non-User credentials")
	}
	u := w.users[name]
	if u == nil {
		return refusal(404, "NoSuchEntity", "The user with name "+name+" cannot be found.")
	}
	switch action {
	case "GetUser":
		return 200, result(action, fmt.Sprintf(`<User><Path>%s</Path><UserName>%s</UserName><UserId>AIDARTX3GSDSVHZCMZNH</UserId><Arn>arn:aws:iam::%s:user%s%s</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate><Tags><member><Key>team</Key><Value>x</Value></member><member><Key>Keyturn</Key><Value>%s</Value></member></Tags></User>`,
			u.path, name, account, u.path, name, u.tag))
	case "TagUser":
		u.tag = r.Form.Get("Tags.member.1.Value")
		return 200, result(action, "")
	case "ListAccessKeys":
		return 200, w.list(action, "AccessKeyMetadata", r, len(u.keys), func(n int) string {
			k := u.keys[n]
			return fmt.Sprintf(`<UserName>%s</UserName><AccessKeyId>%s</AccessKeyId><Status>%s</Status><CreateDate>%s</CreateDate>`,
				name, k.id, k.status(), k.made.Format(time.RFC3339))
		})
	case "CreateAccessKey":
		if len(u.keys) >= 2 {
			return refusal(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
		}
		k := w.mint(name)
		return 200, result(action, fmt.Sprintf(`<AccessKey><UserName>%s</UserName><AccessKeyId>%s</AccessKeyId><Status>Active</Status><SecretAccessKey>%s</SecretAccessKey><CreateDate>%s</CreateDate></AccessKey>`,
			name, k.id, k.secret, k.made.Format(time.RFC3339)))
	case "ListAttachedUserPolicies":
		return 200, w.list(action, "AttachedPolicies", r, len(u.policies), func(n int) string {
			p := u.policies[n]
			return fmt.Sprintf(`<PolicyName>%s</PolicyName><PolicyArn>%s</PolicyArn>`, p[strings.LastIndex(p, "/")+1:], p)
		})
	case "DetachUserPolicy":
		for n, p := range u.policies {
			if p == r.Form.Get("PolicyArn") {
				u.policies = append(u.policies[:n], u.policies[n+1:]...)
				return 200, result(action, "")
			}
		}
		return refusal(404, "NoSuchEntity", "Policy "+r.Form.Get("PolicyArn")+" was not found.")
	}
	for n, k := range u.keys {
		if k.id != id {
			continue
		}
		switch action {
		case "UpdateAccessKey":
			k.active = r.Form.Get("Status") == "Active"
		case "DeleteAccessKey":
			u.keys = append(u.keys[:n], u.keys[n+1:]...)
		}
		return 200, result(action, "")
	}
	return refusal(404, "NoSuchEntity", "The Access Key with id "+id+" cannot be found.")
}

func (w *world) sts(action, id, arn string, r *http.Request) (int, string) {
	if action == "AssumeRole" {
		if strings.HasSuffix(r.Form.Get("RoleArn"), "/closed") {
			return refusal(403, "AccessDenied", "User: "+arn+" is not authorized to perform: sts:AssumeRole on resource: "+r.Form.Get("RoleArn"))
		}
		return 200, result(action, fmt.Sprintf(`<AssumedRoleUser><AssumedRoleId>AROA:%[1]s</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/x/%[1]s</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIARTX3GSDSVHZCMZNG</AccessKeyId><SecretAccessKey>role/SecretCanary</SecretAccessKey><SessionToken>role/TokenCanary</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>`,
			r.Form.Get("RoleSessionName")))
	}
	return 200, result(action, fmt.Sprintf(`<Arn>%s</Arn><UserId>%s</UserId><Account>%s</Account>`, arn, id, account))
}

func (w *world) lastUsed(id string) (int, string) {
	const action = "GetAccessKeyLastUsed"
	name, k := w.find(id)
	switch {
	case k == nil:
		return refusal(403, "AccessDenied", "User: arn:aws:iam::111122223333:user/keyturn is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key "+id)
	case k.used.IsZero():
		return 200, result(action, "<AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed><UserName>"+name+"</UserName>")
	}
	return 200, result(action, fmt.Sprintf("<AccessKeyLastUsed><Region>N/A</Region><LastUsedDate>%s</LastUsedDate><ServiceName>s3</ServiceName></AccessKeyLastUsed><UserName>%s</UserName>",
		k.used.Format(time.RFC3339), name))
}

func (w *world) find(id string) (string, *key) {
	for name, u := range w.users {
		for _, k := range u.keys {
			if k.id == id {
				return name, k
			}
		}
	}
	return "", nil
}

// list is one page; the marker is the index to go on from.
func (w *world) list(action, element string, r *http.Request, n int, entry func(int) string) string {
	from, _ := strconv.Atoi(r.Form.Get("Marker"))
	to, more := n, "<IsTruncated>false</IsTruncated>"
	if w.page > 0 && from+w.page < n {
		to = from + w.page
		more = fmt.Sprintf("<IsTruncated>true</IsTruncated><Marker>%d</Marker>", to)
	}
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString("<member>" + entry(i) + "</member>")
	}
	return result(action, more+"<"+element+">"+b.String()+"</"+element+">")
}

func (k *key) status() rotator.KeyStatus {
	if k.active {
		return rotator.Active
	}
	return rotator.Inactive
}

func result(action, inner string) string {
	return fmt.Sprintf(`<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></%[1]sResponse>`, action, inner)
}

func refusal(status int, code, message string) (int, string) {
	return status, fmt.Sprintf(`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>`, code, message)
}

// wire is a recorded or constructed answer.
type wire struct {
	Status int
	Body   string
}

var samples = sync.OnceValue(func() map[string]wire {
	b, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		panic(err)
	}
	var f struct{ Responses map[string]wire }
	if err := json.Unmarshal(b, &f); err != nil {
		panic(err)
	}
	return f.Responses
})

func sample(name string) wire {
	s, ok := samples()[name]
	if !ok {
		panic("no sample " + name)
	}
	return s
}

// soon is a context that ends in a moment of real time, with a cause of its own.
func soon(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), d, errDeadline)
	t.Cleanup(cancel)
	return ctx
}

var errDeadline = fmt.Errorf("the step took too long")
