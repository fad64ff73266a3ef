package faultproxy_test

import (
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

func TestDepthCountsWhatWasDoneInSequence(t *testing.T) {
	at := func(from, to int) faultproxy.Call {
		return faultproxy.Call{Start: time.Unix(int64(from), 0), End: time.Unix(int64(to), 0)}
	}
	tests := map[string]struct {
		calls []faultproxy.Call
		want  int
	}{
		"no calls":                               {nil, 0},
		"one after the other":                    {[]faultproxy.Call{at(0, 1), at(1, 2), at(3, 4)}, 3},
		"side by side counts once":               {[]faultproxy.Call{at(0, 2), at(0, 2), at(1, 3)}, 1},
		"a long call beside two short ones":      {[]faultproxy.Call{at(0, 9), at(1, 2), at(3, 4)}, 2},
		"a chain, then two side by side, then 1": {[]faultproxy.Call{at(0, 1), at(2, 4), at(2, 5), at(6, 7)}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := faultproxy.Depth(tt.calls); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
