package faultproxy_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

func TestACallPassesAsItIsAndIsWrittenDown(t *testing.T) {
	p, backend := start(t)
	if status, body := call(t, p, "AKIAROBOT", "CreateAccessKey", "UserName=ci-bot"); status != 200 || !strings.Contains(body, "secret-AKIA1") {
		t.Fatalf("got %d %s", status, body)
	}
	if !slices.Equal(backend.hosts, []string{"iam.example.com"}) {
		t.Errorf("the Host header is signed and must stay: %v", backend.hosts)
	}
	if got := p.Secrets(); !slices.Equal(got, []string{"secret-AKIA1"}) {
		t.Errorf("secrets: %v", got)
	}
	c := p.Calls()
	if len(c) != 1 || c[0].Signer != "AKIAROBOT" || c[0].User != "ci-bot" || c[0].Status != 200 || !c[0].Forwarded || c[0].End.Before(c[0].Start) {
		t.Errorf("timeline: %+v", c)
	}
}

func TestAFaultMeetsTheCallItIsPlannedFor(t *testing.T) {
	tests := map[string]struct {
		fault   faultproxy.Fault
		status  int // 0: no answer
		body    string
		created int
	}{
		"an error is answered and nothing is done": {
			faultproxy.Answer(503, "ServiceUnavailable", "try <later>"), 503, "<Code>ServiceUnavailable</Code><Message>try &lt;later&gt;</Message>", 0,
		},
		"a connection dropped before the call does nothing":  {faultproxy.DropBefore(), 0, "", 0},
		"a connection dropped after the call has done it":    {faultproxy.DropAfter(), 0, "", 1},
		"a truncated answer has done it and tells only half": {faultproxy.Truncate(), 200, "<R><AccessKeyId>AKIA1</AccessKeyId><", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, backend := start(t)
			p.At("CreateAccessKey", 2, tt.fault)
			call(t, p, "A", "ListAccessKeys")
			call(t, p, "A", "CreateAccessKey")
			backend.minted = 0
			status, body, err := post(p, "A", "CreateAccessKey")
			if (tt.status == 0) != (err != nil) || status != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("got %d %q %v", status, body, err)
			}
			if backend.count() != tt.created {
				t.Errorf("%d keys were made, want %d", backend.count(), tt.created)
			}
			if n := p.Count("CreateAccessKey"); n != 1+tt.created {
				t.Errorf("counted %d", n)
			}
			if status, _ := call(t, p, "A", "CreateAccessKey"); status != 200 {
				t.Errorf("the third call met the fault too: %d", status)
			}
		})
	}
}

func TestAnErrorOfTheBackendHasTheShapeOfAWS(t *testing.T) {
	p, _ := start(t)
	status, body := call(t, p, "A", "Fail")
	if want := "<Code>LimitExceeded</Code><Message>two keys</Message>"; status != http.StatusConflict || !strings.Contains(body, want) || strings.Contains(body, "Errors") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestAHangingCallEndsWithTheProxy(t *testing.T) {
	p, backend := start(t)
	p.Always("CreateAccessKey", faultproxy.Hang())
	failed := make(chan error)
	go func() {
		_, _, err := post(p, "A", "CreateAccessKey")
		failed <- err
	}()
	for len(p.Calls()) == 0 {
		call(t, p, "A", "ListAccessKeys")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil || backend.count() != 0 {
		t.Errorf("answered: %v, %d", err, backend.count())
	}
}

func TestCallbacksRunBeforeAndAfterTheBackend(t *testing.T) {
	p, backend := start(t)
	var seen []int
	p.At("CreateAccessKey", 1, faultproxy.Before(func() { seen = append(seen, backend.count()) }))
	p.At("CreateAccessKey", 2, faultproxy.After(func() { seen = append(seen, backend.count()) }))
	call(t, p, "A", "CreateAccessKey")
	call(t, p, "A", "CreateAccessKey")
	if !slices.Equal(seen, []int{0, 2}) {
		t.Errorf("saw %v", seen)
	}
}

func TestHealForgetsFaults(t *testing.T) {
	p, _ := start(t)
	p.Always("ListAccessKeys", faultproxy.Answer(500, "ServiceFailure", "x"))
	if status, _ := call(t, p, "A", "ListAccessKeys"); status != 500 {
		t.Errorf("got %d", status)
	}
	p.Heal()
	if status, _ := call(t, p, "A", "ListAccessKeys"); status != 200 {
		t.Errorf("got %d", status)
	}
}

func TestAnInactiveKeyIsRefusedUntilItIsActive(t *testing.T) {
	p, _ := start(t)
	p.Set(faultproxy.Conditions{RefuseInactive: true})
	for _, step := range []struct {
		status string
		want   int
	}{{"Inactive", http.StatusForbidden}, {"Active", http.StatusOK}} {
		call(t, p, "ADMIN", "UpdateAccessKey", "AccessKeyId=AKIAOLD", "Status="+step.status)
		status, body := call(t, p, "AKIAOLD", "GetCallerIdentity")
		if status != step.want || (status != 200) != strings.Contains(body, "InvalidClientTokenId") {
			t.Errorf("%s: got %d %s", step.status, status, body)
		}
	}
}

func TestAYoungKeyIsNeitherUsableNorListed(t *testing.T) {
	p, _ := start(t)
	p.Set(faultproxy.Conditions{UnusableFor: time.Hour, UnlistedFor: time.Hour})
	call(t, p, "ADMIN", "CreateAccessKey")
	if status, _ := call(t, p, "AKIA1", "GetCallerIdentity"); status != http.StatusForbidden {
		t.Errorf("usable: %d", status)
	}
	if _, body := call(t, p, "ADMIN", "ListAccessKeys"); strings.Contains(body, "AKIA1") {
		t.Errorf("listed: %s", body)
	}
	p.Set(faultproxy.Conditions{})
	if status, _ := call(t, p, "AKIA1", "GetCallerIdentity"); status != http.StatusOK {
		t.Errorf("not usable: %d", status)
	}
	if _, body := call(t, p, "ADMIN", "ListAccessKeys"); !strings.Contains(body, "AKIA1") {
		t.Errorf("not listed: %s", body)
	}
}

func TestListsComeInPages(t *testing.T) {
	p, _ := start(t)
	for range 3 {
		call(t, p, "A", "CreateAccessKey")
	}
	p.Set(faultproxy.Conditions{PageSize: 2})
	_, first := call(t, p, "A", "ListAccessKeys")
	if want := "<IsTruncated>true</IsTruncated><Marker>from-2</Marker>"; !strings.Contains(first, want) || strings.Contains(first, "AKIA3") {
		t.Errorf("first page: %s", first)
	}
	_, second := call(t, p, "A", "ListAccessKeys", "Marker=from-2")
	if want := "<AccessKeyId>AKIA3</AccessKeyId></member></L><IsTruncated>false</IsTruncated>"; !strings.Contains(second, want) || strings.Contains(second, "AKIA1") {
		t.Errorf("second page: %s", second)
	}
	if _, one := call(t, p, "A", "ListAccessKeys", "MaxItems=1"); strings.Contains(one, "AKIA2") {
		t.Errorf("MaxItems is ignored: %s", one)
	}
}

func TestTooManyCallsAreThrottled(t *testing.T) {
	p, _ := start(t)
	p.Set(faultproxy.Conditions{PerSecond: 0.001})
	if status, _ := call(t, p, "A", "ListAccessKeys"); status != 200 {
		t.Errorf("got %d", status)
	}
	status, body := call(t, p, "A", "ListAccessKeys")
	if status != 400 || !strings.Contains(body, "<Code>Throttling</Code>") {
		t.Errorf("got %d %s", status, body)
	}
	if c := p.Calls()[1]; c.Code != "Throttling" || c.Forwarded || p.Count() != 1 {
		t.Errorf("timeline: %+v", c)
	}
}

func TestATrustedKeyMeetsNothingAndIsNotCounted(t *testing.T) {
	p, _ := start(t)
	p.Trust("ADMIN")
	p.Set(faultproxy.Conditions{PerSecond: 0.001})
	p.Always("ListAccessKeys", faultproxy.DropBefore())
	for range 3 {
		if status, _ := call(t, p, "ADMIN", "ListAccessKeys"); status != 200 {
			t.Errorf("got %d", status)
		}
	}
	if len(p.Calls()) != 0 {
		t.Errorf("counted: %+v", p.Calls())
	}
}

func TestLatencyIsAddedToEachCallSideBySide(t *testing.T) {
	p, _ := start(t)
	p.Set(faultproxy.Conditions{Latency: 20 * time.Millisecond})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _, _, _ = post(p, "A", "ListAccessKeys") })
	}
	wg.Wait()
	for _, c := range p.Calls() {
		if d := c.End.Sub(c.Start); d < 20*time.Millisecond {
			t.Errorf("a call took %v", d)
		}
	}
}
