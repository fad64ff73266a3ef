package config

import "testing"

func TestExpand(t *testing.T) {
	values := map[string]string{"robot": "ci-bot", "evil": "${robot}"}
	const unknown = "unknown placeholder; there are ${evil}, ${robot}, and $${ stands for a plain ${"
	tests := map[string]struct{ text, want, err string }{
		"nothing to expand":             {"a $ b {x}", "a $ b {x}", ""},
		"empty":                         {"", "", ""},
		"one":                           {"ci/${robot}/x", "ci/ci-bot/x", ""},
		"two side by side":              {"${robot}${robot}", "ci-botci-bot", ""},
		"escaped":                       {"$${robot}", "${robot}", ""},
		"escaped beside one":            {"${robot}$${robot}${robot}", "ci-bot${robot}ci-bot", ""},
		"a dollar before an escape":     {"$$${robot}", "$${robot}", ""},
		"a value is not expanded again": {"${evil}", "${robot}", ""},
		"unknown":                       {"${Robot}", "", unknown},
		"without a name":                {"${}", "", unknown},
		"not closed":                    {"x${robot", "", unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := expand(tt.text, values)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
