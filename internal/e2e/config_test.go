//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

func TestAConfigurationErrorContactsNobody(t *testing.T) {
	tests := map[string]struct {
		sinks, robots string // what is in the file; left out: what is right
		at            string // begins the line that is to be named
		says          string
	}{
		"an unknown key":           {robots: "  ci-bot: { shedule: \"@monthly\", sinks: [vault] }\n", at: "  ci-bot", says: "schedule"},
		"a wrong type":             {robots: "  ci-bot: { sinks: 7 }\n", at: "  ci-bot", says: "sinks"},
		"a literal secret":         {sinks: "  vault: { vault: { address: \"http://127.0.0.1:1\", token: hvs.literal, mount: secret, path: x } }\n", at: "  vault", says: "token"},
		"two robots for one user":  {robots: ciBot + "  also: { user: ci-bot, sinks: [vault] }\n", at: "  also", says: "ci-bot"},
		"what comes later":         {robots: "  ci-bot: { window: \"Mon-Fri 09:00-17:00\", sinks: [vault] }\n", at: "  ci-bot", says: "not in this version"},
		"a sink that is not there": {robots: "  ci-bot: { sinks: [valut] }\n", at: "  ci-bot", says: "vault"},
	}
	w := newWorld(t)
	w.robot("ci-bot")
	for name, tt := range tests {
		w.Log(name)
		text := w.writeConfig(config{sinks: tt.sinks, robots: tt.robots})
		before, _, _ := strings.Cut(text, "\n"+tt.at)
		line := 2 + strings.Count(before, "\n")
		r := w.keyturn("rotate", "--now", "ci-bot").exits(2).says(fmt.Sprintf("keyturn.yaml:%d:", line), tt.says)
		if strings.Contains(r.stdout+r.stderr, "hvs.literal") {
			t.Error("the value is shown")
		}
	}
	if n := len(w.iam.Calls()); n != 0 {
		t.Errorf("AWS was called %d times", n)
	}
}
