package schedule

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	tests := map[string]struct {
		text string
		want time.Duration // -1: refused
	}{
		"days":                  {"90d", 90 * Day},
		"days and hours":        {"1d12h", 36 * time.Hour},
		"half a day":            {"0.5d", 12 * time.Hour},
		"as Go writes it":       {"1h30m0.5s", 90*time.Minute + 500*time.Millisecond},
		"micro":                 {"3µs", 3 * time.Microsecond},
		"bare zero":             {"0", 0},
		"zero with a unit":      {"0s", 0},
		"empty":                 {"", -1},
		"a bare number":         {"30", -1},
		"negative":              {"-1h", -1},
		"negative after days":   {"1d-1h", -1},
		"a sign":                {"+1h", -1},
		"a unit alone":          {"d", -1},
		"a point alone":         {".d", -1},
		"an unknown unit":       {"3w", -1},
		"blanks":                {"1 d", -1},
		"too long":              {"106752d", -1},
		"too long in parts":     {"106751d24h", -1},
		"far too long":          {"99999999999999999999d", -1},
		"the longest there are": {"106751d", 106751 * Day},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseDuration(tt.text)
			if tt.want < 0 {
				if err == nil || err.Error() != "not a duration such as 90s, 1h30m or 30d" {
					t.Errorf("got %s, %v", got, err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "30s": 30 * time.Second, "1m": time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second,
		"1d": Day, "1d12h": 36 * time.Hour, "90d": 90 * Day,
	} {
		got := FormatDuration(d)
		if back, err := ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%s: got %s, which reads %s, %v", want, got, back, err)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("1d12h")
	f.Add("106751d23h47m16.854775807s")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if d < 0 {
			t.Errorf("%q is %d", s, d)
		}
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d {
			t.Errorf("%q: %s reads %s, %v", s, FormatDuration(d), back, err)
		}
	})
}
