package config

import "testing"

func TestMeant(t *testing.T) {
	keys := []string{"schedule", "sinks", "soak", "grace", "max_age", "url"}
	for got, want := range map[string]string{
		"shedule":  ", did you mean schedule",
		"Schedule": ", did you mean schedule",
		"shcedule": ", did you mean schedule",
		"sink":     ", did you mean sinks",
		"soaks":    ", did you mean soak",
		"maxage":   ", did you mean max_age",
		"lru":      "; there are schedule, sinks, soak, grace, max_age, url",
		"ulr":      ", did you mean url",
		"zebra":    "; there are schedule, sinks, soak, grace, max_age, url",
		"":         "; there are schedule, sinks, soak, grace, max_age, url",
		"schedules are what is wanted, and a very long key is what this is, so": "; there are schedule, sinks, soak, grace, max_age, url",
	} {
		if s := meant(got, keys); s != want {
			t.Errorf("%q: got %q, want %q", got, s, want)
		}
	}
	if s := meant("x", nil); s != "" {
		t.Errorf("got %q", s)
	}
}
