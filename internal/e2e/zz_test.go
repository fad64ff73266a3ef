//go:build e2e
package e2e
import ("time";"testing")
func tick(t *testing.T, b *time.Time, s string){ t.Logf("%6.2f %s", time.Since(*b).Seconds(), s); *b=time.Now()}
