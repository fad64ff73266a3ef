package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

// BenchmarkFsync is what one durable write costs here; the others are to be read against it.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, pageSize)
	for b.Loop() {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend is the time of one append when so many robots append at once, each to its own log.
func BenchmarkAppend(b *testing.B) {
	for _, robots := range []int{1, 100} {
		b.Run(fmt.Sprintf("robots=%d", robots), func(b *testing.B) {
			j := open1(b, newPath(b))
			body := journaltest.Samples()[15].Body
			var wg sync.WaitGroup
			b.ResetTimer()
			for i := range robots {
				wg.Go(func() {
					s := rotator.Stream(fmt.Sprintf("user/1/%d", i))
					for k := range rotator.Seq(b.N / robots) {
						e := journaltest.Event("20261120-7f3k9qx2")
						e.Body = body
						if _, err := j.Append(b.Context(), s, k, e, nil); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(b.N)/float64(max(j.commit.commits.Load(), 1)), "appends/commit")
		})
	}
}

// BenchmarkForget is what erasing one secret costs.
func BenchmarkForget(b *testing.B) {
	j := open1(b, newPath(b))
	var seq rotator.Seq
	for b.Loop() {
		e := journaltest.Event(rotator.ID(fmt.Sprint(seq)))
		n, err := j.Append(b.Context(), "user/1/a", seq, e, make([]byte, 200))
		if err != nil {
			b.Fatal(err)
		}
		seq = n
		if err := j.Forget(b.Context(), e.Rotation); err != nil {
			b.Fatal(err)
		}
	}
}
