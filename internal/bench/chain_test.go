package main

import (
	"testing"
	"time"

	"keyturn/rotator/rotatortest"
)

func TestInSequence(t *testing.T) {
	at := func(from, to int) rotatortest.Record {
		zero := time.Unix(0, 0)
		return rotatortest.Record{At: zero.Add(time.Duration(from)), Finished: zero.Add(time.Duration(to))}
	}
	for name, tc := range map[string]struct {
		log  []rotatortest.Record
		want int
	}{
		"no calls":                             {nil, 0},
		"one after the other":                  {[]rotatortest.Record{at(0, 5), at(5, 10), at(11, 15)}, 3},
		"side by side":                         {[]rotatortest.Record{at(0, 5), at(0, 6), at(1, 7)}, 1},
		"a long call beside two short ones":    {[]rotatortest.Record{at(0, 10), at(0, 4), at(5, 9)}, 2},
		"a call without an answer counts not":  {[]rotatortest.Record{at(0, 5), {At: time.Unix(1, 0)}}, 1},
		"the order of the log does not matter": {[]rotatortest.Record{at(11, 15), at(0, 5), at(5, 10)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := inSequence(tc.log); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}
