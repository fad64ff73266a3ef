package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"testing"
	"time"

	"keyturn/sinks"
)

type page struct {
	Items []int  `json:"items"`
	Next  string `json:"next,omitempty"`
}

// book has seven items, three on a page, and tells the next page in every way there is.
func book(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	n = max(n, 1)
	var p page
	for i := (n-1)*3 + 1; i <= min(n*3, 7); i++ {
		p.Items = append(p.Items, i)
	}
	if n < 3 {
		next := fmt.Sprintf("https://elsewhere.invalid/api/list?page=%d&size=3&f=a%%2Fb", n+1)
		w.Header().Add("Link", `<https://elsewhere.invalid/?page=1>; rel="first", <`+next+`>; rel="next"`)
		p.Next = next
		if r.URL.Query().Get("by") == "cursor" {
			p.Next = strconv.Itoa(n + 1)
		}
	}
	if r.URL.Query().Get("size") != "3" || r.URL.Query().Get("f") != "a/b" || r.URL.Host != "store.example" {
		w.WriteHeader(400)
		return
	}
	_ = json.NewEncoder(w).Encode(p)
}

func TestPages(t *testing.T) {
	for name, c := range map[string]struct {
		by   string
		next Next[page]
	}{
		"a link":   {"", LinkNext[page]},
		"a url":    {"", URLNext(func(p page) string { return p.Next })},
		"a cursor": {"cursor", CursorNext("page", func(p page) string { return p.Next })},
		"a number": {"", NumberNext("page", 1, 3, func(p page) int { return len(p.Items) })},
	} {
		t.Run(name, func(t *testing.T) {
			cl := client(t, book)
			var all []int
			q := url.Values{"size": {"3"}, "f": {"a/b"}, "by": {c.by}}
			err := Pages(t.Context(), cl, Request{Op: "o", Path: "/list", Query: q}, c.next, func(p page) { all = append(all, p.Items...) })
			if err != nil || !reflect.DeepEqual(all, []int{1, 2, 3, 4, 5, 6, 7}) || len(q) != 3 {
				t.Errorf("%v, %v", all, err)
			}
		})
	}
}

func TestAListWithoutAnEndIsRefused(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"items":[1]}`) })
	err := Pages(t.Context(), c, Request{Op: "o"}, NumberNext("page", 0, 1, func(page) int { return 1 }), func(page) {})
	if sinks.ClassOf(err) != sinks.Refused || err.Error() != "o: the list has more than 200 pages" {
		t.Error(err)
	}
}

func TestATokenThatEndsIsWarnedOf(t *testing.T) {
	now := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		left time.Duration
		want []sinks.Warning
	}{
		"in a month":   {30 * 24 * time.Hour, nil},
		"in two weeks": {14 * 24 * time.Hour, []sinks.Warning{"acme: the token runs out in 14 days"}},
		"in two hours": {2 * time.Hour, []sinks.Warning{"acme: the token runs out in 2h0m"}},
		"yesterday":    {-24 * time.Hour, []sinks.Warning{"acme: the token has run out"}},
	} {
		if got := Expiring("acme", now.Add(c.left), now); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := Expiring("acme", time.Time{}, now); got != nil {
		t.Errorf("a token without an end: %q", got)
	}
}

// What a kind knows of its store goes before the status, and the headers say how long to wait.
func TestAKindExplainsItsStoresFailures(t *testing.T) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") != "" {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "slow down")
	}
	for after, want := range map[string]time.Duration{"": time.Minute, "7": 7 * time.Second} {
		c := client(t, serve)
		c.explain = func(op string, resp Response, body []byte) error {
			if resp.Status == 403 && string(body) == "slow down" {
				return &sinks.Error{Class: sinks.Throttled, Op: op, Err: fmt.Errorf("too fast"), After: time.Minute}
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		resp, err := c.Do(ctx, Request{Op: "o", Query: url.Values{"after": {after}}}, nil)
		cancel()
		if sinks.AfterOf(err) != want || err.Error() != "o: too fast" || resp.Status != 403 {
			t.Errorf("%v after %v, status %d", err, sinks.AfterOf(err), resp.Status)
		}
	}
}
