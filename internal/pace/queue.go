package pace

import (
	"container/heap"
	"time"
)

// waiter is a call that waits for its turn.
type waiter struct {
	place place
	index int // in the queue; -1 once it has its turn
	turn  chan *Turn
}

// place is where in the line a call stands.
type place struct {
	urgent  bool
	since   time.Time // when its job began, or, without a job, when it arrived
	arrival int
}

// before says which of two comes first: urgent ones, then, if seniority counts, those of the older job, then who
// arrived first.
func (p place) before(q place, seniority bool) bool {
	if p.urgent != q.urgent {
		return p.urgent
	}
	if c := p.since.Compare(q.since); seniority && c != 0 {
		return c < 0
	}
	return p.arrival < q.arrival
}

// queue is a heap of waiters.
type queue struct {
	waiters   []*waiter
	seniority bool
}

// rank changes whether seniority counts.
func (q *queue) rank(seniority bool) {
	if q.seniority != seniority {
		q.seniority = seniority
		heap.Init(q)
	}
}

func (q *queue) Len() int { return len(q.waiters) }

func (q *queue) Less(i, j int) bool {
	return q.waiters[i].place.before(q.waiters[j].place, q.seniority)
}

func (q *queue) Swap(i, j int) {
	q.waiters[i], q.waiters[j] = q.waiters[j], q.waiters[i]
	q.waiters[i].index, q.waiters[j].index = i, j
}

func (q *queue) Push(x any) {
	w := x.(*waiter)
	w.index = len(q.waiters)
	q.waiters = append(q.waiters, w)
}

func (q *queue) Pop() any {
	last := len(q.waiters) - 1
	w := q.waiters[last]
	q.waiters[last] = nil
	q.waiters = q.waiters[:last]
	w.index = -1
	return w
}
