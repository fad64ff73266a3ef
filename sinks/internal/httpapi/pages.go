package httpapi

import (
	"context"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"keyturn/sinks"
)

// maxPages bounds a list; no store allows as many variables in one place.
const maxPages = 200

// Next changes q so that it asks for the page after the one that was read; false if that was the last.
type Next[T any] func(page T, resp Response, q url.Values) bool

// Pages makes r for each page of a list and hands the decoded pages to each, in their order.
//
//	err := httpapi.Pages(ctx, c, httpapi.Request{Op: op, Path: path, Query: url.Values{"per_page": {"100"}}},
//		httpapi.LinkNext, func(page []variable) { all = append(all, page...) })
func Pages[T any](ctx context.Context, c *Client, r Request, next Next[T], each func(page T)) error {
	q := maps.Clone(r.Query)
	if q == nil {
		q = url.Values{}
	}
	for range maxPages {
		r.Query = q
		var page T
		resp, err := c.Do(ctx, r, &page)
		if err != nil {
			return err
		}
		each(page)
		if !next(page, resp, q) {
			return nil
		}
	}
	return sinks.Errorf(sinks.Refused, r.Op, "the list has more than %d pages", maxPages)
}

// LinkNext follows the header Link: <...>; rel="next" (RFC 8288). Only its query counts: the address stays.
func LinkNext[T any](_ T, resp Response, q url.Values) bool {
	for _, header := range resp.Header.Values("Link") {
		for link := range strings.SplitSeq(header, ",") {
			target, params, ok := strings.Cut(strings.TrimSpace(link), ">")
			if ok && strings.Contains(params, `rel="next"`) {
				return takeQuery(strings.TrimPrefix(target, "<"), q)
			}
		}
	}
	return false
}

// URLNext follows an address in the page; "" is the end. Only its query counts.
func URLNext[T any](address func(T) string) Next[T] {
	return func(page T, _ Response, q url.Values) bool { return takeQuery(address(page), q) }
}

func takeQuery(address string, q url.Values) bool {
	u, err := url.Parse(address)
	if address == "" || err != nil || u.RawQuery == "" {
		return false
	}
	clear(q)
	maps.Copy(q, u.Query())
	return true
}

// CursorNext puts a cursor of the page into the parameter name; "" is the end.
func CursorNext[T any](name string, cursor func(T) string) Next[T] {
	return func(page T, _ Response, q url.Values) bool {
		q.Set(name, cursor(page))
		return cursor(page) != ""
	}
}

// NumberNext counts the parameter name up, from first, while pages are full: count is how many items one has.
func NumberNext[T any](name string, first, full int, count func(T) int) Next[T] {
	return func(page T, _ Response, q url.Values) bool {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil {
			n = first
		}
		q.Set(name, strconv.Itoa(n+1))
		return count(page) >= full
	}
}
