package pace

import (
	"container/heap"
	"slices"
	"testing"
	"time"
)

func TestPlacesInTheLine(t *testing.T) {
	at := time.Unix(1000, 0)
	places := map[string]place{
		"a leak":                             {urgent: true, since: at.Add(time.Hour), arrival: 9},
		"the older job":                      {since: at, arrival: 8},
		"the younger job, which came first":  {since: at.Add(time.Second), arrival: 2},
		"the younger job, which came second": {since: at.Add(time.Second), arrival: 3},
		"no job: when it arrived":            {since: at.Add(time.Minute), arrival: 1},
	}
	for name, tc := range map[string]struct {
		seniority bool
		want      []string
	}{
		"under a limit the older job goes first": {true, []string{
			"a leak", "the older job", "the younger job, which came first", "the younger job, which came second", "no job: when it arrived",
		}},
		"without a limit who came first goes first": {false, []string{
			"a leak", "no job: when it arrived", "the younger job, which came first", "the younger job, which came second", "the older job",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			q := queue{seniority: !tc.seniority}
			for _, p := range places {
				heap.Push(&q, &waiter{place: p})
			}
			q.rank(tc.seniority)
			var got []string
			for q.Len() > 0 {
				w := heap.Pop(&q).(*waiter)
				for name, p := range places {
					if p == w.place {
						got = append(got, name)
					}
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
