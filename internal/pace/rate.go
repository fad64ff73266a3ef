package pace

import (
	"math"
	"time"
)

const (
	slowest   = 0.2              // calls per second that are always tried
	below     = 0.95             // at least this far below a rate that was throttled
	deepest   = 0.5              // at most this far
	lowering  = 0.8              // of a limit that seems to be lower than was measured
	curvature = 1e-4             // of the way back to a limit and beyond, per cubic second (as in TCP CUBIC)
	doubling  = time.Second      // of a guess
	reliable  = 5                // accepted calls that make a measure
	forgotten = 4                // times a limit that was passed without a throttle: there is none
	trusted   = 10 * time.Second // how long a guess that nothing contradicts is grown
	longest   = time.Second      // silence after a throttle, unless the other side asks for more
)

// rate is what is known of the other side's limit. The zero rate knows none.
//
// Calls go out evenly at the current rate, so the share of them that is accepted measures
// the limit: of n calls since the last cut, the first throttled one says (n-1)/n of the rate.
type rate struct {
	limit    float64   // calls per second; 0 while there was no throttle
	known    bool      // limit was measured; false: it is a guess from below
	low      float64   // where the rate began after the last cut
	cut      time.Time // when that was
	accepted int       // calls accepted since then
	start    meter     // while there is no limit
}

// current is the allowed rate in calls per second, +Inf if nothing is known. From its low it comes back
// to the limit, dwells there, and then leaves it behind ever faster.
func (r *rate) current(now time.Time) float64 {
	if r.limit == 0 {
		return math.Inf(1)
	}
	t := now.Sub(r.cut).Seconds()
	if !r.known {
		return r.low * math.Exp2(t/doubling.Seconds())
	}
	dwell := math.Cbrt((1 - r.low/r.limit) / curvature)
	return r.limit * (1 + curvature*math.Pow(t-dwell, 3))
}

// spacing is the time between two calls.
func (r *rate) spacing(now time.Time) time.Duration {
	if r.outgrown(now) {
		*r = rate{}
	}
	return time.Duration(float64(time.Second) / r.current(now))
}

// outgrown says that nothing has contradicted the growth for so long that there is no limit.
func (r *rate) outgrown(now time.Time) bool {
	switch {
	case r.limit == 0:
		return false
	case r.known:
		return r.current(now) > forgotten*r.limit
	}
	return now.Sub(r.cut) > trusted
}

// accept counts a call that was not throttled.
func (r *rate) accept(now, began time.Time) {
	if r.limit == 0 {
		r.start.add(now)
	} else if !began.Before(r.cut) {
		r.accepted++
	}
}

// throttle lowers the rate, once for all calls that began before it was last lowered. It says
// how long to be silent: where refused calls count too, those in flight have made a debt.
func (r *rate) throttle(now, began time.Time) (pause time.Duration) {
	if r.limit != 0 && began.Before(r.cut) {
		return 0
	}
	if r.limit == 0 {
		r.limit = max(r.start.perSecond(), slowest)
		r.low = r.limit
	} else {
		r.lower(r.current(now))
	}
	r.cut, r.accepted = now, 0
	return min(now.Sub(began)+2*r.spacing(now), longest)
}

// lower finds the new limit after a throttle at the rate old.
func (r *rate) lower(old float64) {
	share := float64(r.accepted) / float64(r.accepted+1)
	switch {
	case r.accepted >= reliable:
		r.limit, r.known = old*share, true
	case r.accepted > 0:
		r.limit *= lowering // none accepted may be a debt; a few are a lower limit
	}
	r.low = max(old*min(max(share, deepest), below), slowest)
	r.limit = max(r.limit, r.low/below)
}

// meter counts calls per second of the clock.
type meter struct {
	start     time.Time
	past, now int
}

func (m *meter) add(now time.Time) {
	if d := now.Sub(m.start); d >= time.Second {
		m.start, m.past, m.now = now, m.now, 0
	}
	m.now++
}

func (m *meter) perSecond() float64 { return float64(max(m.past, m.now, 1)) }
