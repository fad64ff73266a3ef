package faultproxy

import (
	"slices"
	"time"
)

// Call is one line of the timeline.
type Call struct {
	Action    string // of the Query protocol; of other calls "PUT /path"
	Signer    string // id of the key that signed it
	User      string // the parameter UserName
	Key       string // the parameter AccessKeyId
	Start     time.Time
	End       time.Time // zero: not answered yet
	Forwarded bool      // the backend has answered it
	Status    int       // of the answer, even if the client did not get it; 0: there was none
	Code      string    // error code of the answer, "" for success
}

// Calls are all calls so far, in order of arrival; of the given actions only, if any are given.
func (p *Proxy) Calls(actions ...string) []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Call
	for _, c := range p.calls {
		if len(actions) == 0 || slices.Contains(actions, c.Action) {
			out = append(out, c)
		}
	}
	return out
}

// Count is how many calls reached the backend; of the given actions only, if any are given.
func (p *Proxy) Count(actions ...string) int {
	n := 0
	for _, c := range p.Calls(actions...) {
		if c.Forwarded {
			n++
		}
	}
	return n
}

// Depth is the largest number of calls that were made one after the other: each began when the one before
// had ended. Times the latency of a call, it is the least time that they can have taken.
func Depth(calls []Call) int {
	byEnd := slices.Clone(calls)
	slices.SortFunc(byEnd, func(a, b Call) int { return a.End.Compare(b.End) })
	depth := 0
	var last time.Time
	for _, c := range byEnd {
		if !c.Start.Before(last) {
			depth++
			last = c.End
		}
	}
	return depth
}

// begin writes the call down and says what it will meet.
func (p *Proxy) begin(q *request) (i int, c Conditions, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrived[q.name]++
	p.calls = append(p.calls, Call{
		Action: q.name,
		Signer: q.signer,
		User:   q.form.Get("UserName"),
		Key:    q.form.Get("AccessKeyId"),
		Start:  time.Now(),
	})
	return len(p.calls) - 1, p.conditions, p.planned(q.name)
}

func (p *Proxy) end(i int, a *answer, forwarded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.calls[i]
	c.End, c.Forwarded = time.Now(), forwarded
	if a != nil {
		c.Status = a.status
		if a.status >= 400 {
			c.Code = a.element("Code")
		}
	}
}
