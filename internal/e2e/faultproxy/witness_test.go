package faultproxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

func TestAWitnessMeetsInactiveKeysAndNothingElse(t *testing.T) {
	p, _ := start(t)
	p.Set(faultproxy.Conditions{RefuseInactive: true, PerSecond: 0.001})
	p.Always("GetCallerIdentity", faultproxy.DropBefore())
	look := func() int {
		req, err := http.NewRequest("POST", p.URL, strings.NewReader("Action=GetCallerIdentity"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAOLD/20261120/us-east-1/sts/aws4_request")
		req.Header.Set(faultproxy.WitnessHeader, "1")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	var changes []faultproxy.Call
	p.OnChange(func(c faultproxy.Call) { changes = append(changes, c) })
	if got := look(); got != http.StatusOK || look() != http.StatusOK {
		t.Errorf("an Active key: %d", got)
	}
	call(t, p, "ADMIN", "UpdateAccessKey", "AccessKeyId=AKIAOLD", "Status=Inactive")
	if got := look(); got != http.StatusForbidden {
		t.Errorf("an Inactive key: %d", got)
	}
	if n := len(p.Calls()); n != 1 || len(changes) != 1 || changes[0].Key != "AKIAOLD" {
		t.Errorf("%d calls are counted, and these are changes: %+v", n, changes)
	}
}

func TestALostCallCallsBackAndIsNotServed(t *testing.T) {
	p, backend := start(t)
	var called atomic.Bool
	p.At("CreateAccessKey", 1, faultproxy.Lose(func() { called.Store(true) }))
	if _, _, err := post(p, "A", "CreateAccessKey"); err == nil || !called.Load() || backend.count() != 0 {
		t.Errorf("called back: %t, %d keys, %v", called.Load(), backend.count(), err)
	}
}

func TestAUseIsShownLate(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<R><AccessKeyLastUsed><LastUsedDate>"+time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)+
			"</LastUsedDate><ServiceName>sts</ServiceName></AccessKeyLastUsed></R>")
	}))
	defer backend.Close()
	p, err := faultproxy.Start(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for late, shown := range map[time.Duration]bool{0: true, 30 * time.Second: true, time.Hour: false} {
		p.Set(faultproxy.Conditions{UsesUnshownFor: late})
		if _, body := call(t, p, "A", "GetAccessKeyLastUsed"); strings.Contains(body, "LastUsedDate") != shown || !strings.Contains(body, "</AccessKeyLastUsed>") {
			t.Errorf("%v: %s", late, body)
		}
	}
}

func TestACallThatIsNoFormIsCalledByMethodAndPath(t *testing.T) {
	p, _ := start(t)
	p.At("PUT /v1/secret/data/ci", 1, faultproxy.Answer(http.StatusServiceUnavailable, "x", "x"))
	req, err := http.NewRequest("PUT", p.URL+"/v1/secret/data/ci", strings.NewReader(`{"data":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if c := p.Calls("PUT /v1/secret/data/ci"); resp.StatusCode != http.StatusServiceUnavailable || len(c) != 1 {
		t.Errorf("%d, %+v", resp.StatusCode, p.Calls())
	}
}
