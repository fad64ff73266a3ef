package awsiam

import (
	"net/http/httptest"
	"testing"
	"time"

	"keyturn/rotator"
)

// once is a fault of the first request of the action.
func once(action string, f fault) func(string, int) fault {
	return func(a string, n int) fault {
		if a == action && n == 1 {
			return f
		}
		return fault{}
	}
}

func TestCreateSendsOneRequestWhateverBecomesOfTheAnswer(t *testing.T) {
	unclear := rotator.ClassUnclear
	for name, tc := range map[string]struct {
		fault fault
		class rotator.IssuerClass
		text  string
		key   rotator.KeyID
		made  int
	}{
		"connection dropped before AWS did it": {
			fault{before: "drop"}, unclear, "CreateAccessKey: EOF", "", 0},
		"connection dropped after AWS did it": {
			fault{after: "drop"}, unclear, "CreateAccessKey: EOF", "", 1},
		"no answer in time": {
			fault{after: "hang"}, unclear, "CreateAccessKey: no answer within 300ms", "", 1},
		"answer cut off in the secret": {
			fault{after: "cut"}, unclear, "CreateAccessKey: HTTP 200, and an answer that is cut off or not understood", "AKIARTX3GSDS00000001", 1},
		"empty 200": {
			fault{status: 200, body: ""}, unclear, "CreateAccessKey: the answer holds no pair: a key may exist", "", 0},
		"200 of somebody else": {
			fault{status: 200, body: "<html><p>Sign in to the hotel's network</html>"}, unclear, "CreateAccessKey: HTTP 200, and an answer that is cut off or not understood", "", 0},
		"200 for another user": {
			fault{sample: "CreateAccessKey"}, unclear, "CreateAccessKey: the answer holds no pair: a key may exist", "AKIARTX3GSDSVHZCMZNG", 0},
		"ServiceFailure 500": {
			serviceFailure(500), unclear, "CreateAccessKey: HTTP 500: ServiceFailure: internal", "", 0},
		"503 without a code": {
			fault{status: 503, body: "busy"}, unclear, "CreateAccessKey: HTTP 503: UnknownError: UnknownError", "", 0},
		"502 of a proxy": {
			fault{status: 502, body: "<html><br></html>"}, unclear, "CreateAccessKey: HTTP 502, and an answer that is cut off or not understood", "", 0},
		"403 of a proxy": {
			fault{status: 403, body: "<html><br></html>"}, unclear, "CreateAccessKey: HTTP 403, and an answer that is cut off or not understood", "", 0},
		"redirect": {
			fault{status: 307, body: ""}, unclear, "CreateAccessKey: HTTP 307: UnknownError: UnknownError", "", 0},
		"request timed out on AWS's side": {
			refused(408, "RequestTimeout", "slow"), unclear, "CreateAccessKey: HTTP 408: RequestTimeout: slow", "", 0},
		"two keys already": {
			fault{sample: "CreateAccessKey.limit"}, rotator.ClassLimit, "CreateAccessKey: LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2", "", 0},
		"no such user": {
			fault{sample: "CreateAccessKey.nouser"}, rotator.ClassNoUser, "CreateAccessKey: NoSuchEntity: The user with name nonexistent-user cannot be found.", "", 0},
		"busy": {
			refused(409, "EntityTemporarilyUnmodifiable", "Try again in several minutes."), rotator.ClassBusy, "CreateAccessKey: EntityTemporarilyUnmodifiable: Try again in several minutes.", "", 0},
		"denied": {
			refused(403, "AccessDenied", "User: x is not authorized"), rotator.ClassDenied, "CreateAccessKey: AccessDenied: User: x is not authorized", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fault = once("CreateAccessKey", tc.fault)
			attempt := 10 * time.Second
			if tc.fault.after == "hang" {
				attempt = 300 * time.Millisecond
			}
			_, s, err := w.open(t, attempt).Create(t.Context(), bot)
			wantError(t, err, tc.class, tc.text)
			if e := err.(*rotator.IssuerError); e.Key != tc.key {
				t.Errorf("key %q, want %q", e.Key, tc.key)
			}
			if n := w.count("CreateAccessKey"); n != 1 || len(w.users[bot].keys) != tc.made || !s.Empty() {
				t.Errorf("%d requests, %d keys, secret empty %v", n, len(w.users[bot].keys), s.Empty())
			}
		})
	}
}

func TestCreateThatWasNeverSentIsNotUnclear(t *testing.T) {
	refuses := httptest.NewServer(nil)
	address := refuses.Listener.Addr().String()
	refuses.Close()
	plain := newWorld(t)
	for name, tc := range map[string]struct{ endpoint, text string }{
		"nobody listens":      {"http://" + address, "CreateAccessKey: dial tcp " + address + ": connect: connection refused"},
		"no TLS on that side": {"https://" + plain.server.Listener.Addr().String(), "CreateAccessKey: http: server gave HTTP response to HTTPS client"},
	} {
		t.Run(name, func(t *testing.T) {
			i := plain.open(t, 0)
			i.cfg.BaseEndpoint = &tc.endpoint
			_, _, err := New(i.cfg, nil).Create(t.Context(), bot)
			wantError(t, err, rotator.ClassTemporary, tc.text)
		})
	}
	t.Run("its time was over before", func(t *testing.T) {
		i := plain.open(t, 0)
		_, _, err := i.Create(soon(t, 0), bot)
		wantError(t, err, rotator.ClassTemporary, "CreateAccessKey: the step took too long")
	})
	t.Run("no user is named", func(t *testing.T) {
		_, _, err := plain.open(t, 0).Create(t.Context(), "")
		wantError(t, err, rotator.ClassInvalid, "CreateAccessKey: no user is named")
	})
	if n := plain.count("CreateAccessKey"); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestCreateIsRepeatedOnlyAfterARefusalAtTheDoor(t *testing.T) {
	for name, tc := range map[string]struct {
		fault fault
		times int
	}{
		"throttled":     {fault{sample: "any.throttled"}, 3},
		"429":           {fault{status: 429, body: ""}, 2},
		"slow down":     {refused(503, "SlowDown", "Please reduce your request rate."), 2},
		"session ended": {refused(403, "ExpiredToken", "The security token included in the request is expired"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, w *world, i *Issuer) {
				w.fault = func(_ string, n int) fault {
					if n <= tc.times {
						return tc.fault
					}
					return fault{}
				}
				k, s, err := i.Create(t.Context(), bot)
				if err != nil {
					t.Fatal(err)
				}
				made := w.users[bot].keys
				if len(made) != 1 || string(k.ID) != made[0].id || !s.EqualString(made[0].secret) || k.Status != rotator.Active || !k.CreatedAt.Equal(made[0].made) {
					t.Errorf("%+v of %d keys", k, len(made))
				}
				if n := w.count("CreateAccessKey"); n != tc.times+1 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestCreateAfterARefusalIsWatchedLikeTheFirst(t *testing.T) {
	t.Run("an answer lost after a throttle is unclear", func(t *testing.T) {
		inBubble(t, 0, func(t *testing.T, w *world, i *Issuer) {
			w.fault = func(_ string, n int) fault {
				return map[int]fault{1: {sample: "any.throttled"}, 2: {after: "drop"}}[n]
			}
			_, _, err := i.Create(t.Context(), bot)
			wantError(t, err, rotator.ClassUnclear, "CreateAccessKey: EOF")
			if n := w.count("CreateAccessKey"); n != 2 || len(w.users[bot].keys) != 1 {
				t.Errorf("%d requests, %d keys", n, len(w.users[bot].keys))
			}
		})
	})
	t.Run("throttled until its time is over, nothing was created", func(t *testing.T) {
		inBubble(t, 0, func(t *testing.T, w *world, i *Issuer) {
			w.fault = func(string, int) fault { return fault{sample: "any.throttled"} }
			began := time.Now()
			_, _, err := i.Create(soon(t, time.Minute), bot)
			if c := class(err); c != rotator.ClassThrottled && c != rotator.ClassTemporary || time.Since(began) != time.Minute {
				t.Errorf("%s: %v after %s", c, err, time.Since(began))
			}
		})
	})
	t.Run("a session that has ended for good", func(t *testing.T) {
		w := newWorld(t)
		w.fault = func(string, int) fault { return refused(403, "ExpiredToken", "expired") }
		_, _, err := w.open(t, 0).Create(t.Context(), bot)
		wantError(t, err, rotator.ClassCredentials, "CreateAccessKey: ExpiredToken: the session that keyturn signs with has ended: renew its credentials")
		if n := w.count("CreateAccessKey"); n != 2 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAConnectionThatWasUsedBeforeDoesNotRepeatCreate(t *testing.T) {
	w := newWorld(t)
	i := w.open(t, 0)
	if _, _, err := i.Keys(t.Context(), bot); err != nil {
		t.Fatal(err)
	}
	w.fault = once("CreateAccessKey", fault{after: "drop"})
	_, _, err := i.Create(t.Context(), bot)
	wantError(t, err, rotator.ClassUnclear, "CreateAccessKey: EOF")
	if n := w.count("CreateAccessKey"); n != 1 || len(w.users[bot].keys) != 1 {
		t.Errorf("%d requests, %d keys", n, len(w.users[bot].keys))
	}
}

func refused(status int, code, message string) fault {
	_, body := refusal(status, code, message)
	return fault{status: status, body: body}
}

func serviceFailure(status int) fault { return refused(status, "ServiceFailure", "internal") }

func wantError(t *testing.T, err error, class rotator.IssuerClass, text string) {
	t.Helper()
	e, ok := err.(*rotator.IssuerError)
	if !ok {
		t.Fatalf("got %v (%T), want class %s: %s", err, err, class, text)
	}
	if e.Class != class || e.Error() != text {
		t.Errorf("got  %s: %s\nwant %s: %s", e.Class, e, class, text)
	}
}
