package sinktest

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
)

func TestACorrectKindPasses(t *testing.T) { Run(t, modelKind("")) }

func TestACorrectKindPassesOutsideOfGoTest(t *testing.T) {
	var out bytes.Buffer
	passed, failed := Report(t.Context(), modelKind(""), &out)
	if failed != 0 || passed != len(suite) {
		t.Errorf("%d passed, %d failed of %d\n%s", passed, failed, len(suite), &out)
	}
}

// Each bug is caught, by the test that is there for it.
func TestBrokenKindsFail(t *testing.T) {
	for bug, want := range map[string]string{
		"anonymous error":                    "the kind describes itself",
		"no example":                         "the doc page has a yaml example",
		"token in destination":               "sink and configuration print without secrets",
		"sink prints its token":              "sink and configuration print without secrets",
		"check writes":                       "Check accepts a working destination and writes nothing",
		"check warns with the token":         "Check accepts a working destination and writes nothing",
		"check is blind":                     "Check and Push say denied when the sink's credentials are refused",
		"push ignores the context":           "a call ends with its context and leaves nothing running",
		"push goes on in the background":     "a call ends with its context and leaves nothing running",
		"push touches a neighbour":           "Push serves the pair and Verify shows it",
		"push wipes its argument":            "Push serves the pair and Verify shows it",
		"push leaks in its error":            "Check and Push say temporary when the destination is unreachable",
		"push leaks in its receipt":          "Push serves the pair and Verify shows it",
		"push lies about failure":            "Push heals a push that failed",
		"push calls every failure refused":   "Push heals a push whose answer was lost",
		"push writes once only":              "Push is idempotent",
		"push keeps the session token":       "Push removes a session token beside the pair",
		"push overlooks a new session token": "Push removes a session token beside the pair",
		"verify believes":                    "Verify before any push is not a success",
		"verify looks at the id only":        "Verify notices another secret beside the same id",
		"verify claims less":                 "Push serves the pair and Verify shows it",
		"verify calls stale temporary":       "Verify notices another pair that somebody else wrote",
		"serving takes errors for nothing":   "Serving fails when the destination is unreachable",
		"serving takes nothing for an error": "Serving says nothing when nothing is served",
	} {
		t.Run(bug, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				_, failed := Report(t.Context(), modelKind(bug), &out)
				if failed == 0 || !strings.Contains(out.String(), "FAIL  "+want+"\n") {
					t.Errorf("%q should have failed; %d did:\n%s", want, failed, &out)
				}
				if strings.Contains(out.String(), modelToken) {
					t.Errorf("the report shows the token:\n%s", &out)
				}
			})
		})
	}
}

func TestWhatDoesNotApplyIsSaid(t *testing.T) {
	k := modelKind("")
	k.Lacks = map[Fault]string{Hang: "it never hangs"}
	k.NoSession = "it has no room for one"
	var out bytes.Buffer
	_, failed := Report(t.Context(), k, &out)
	for _, want := range []string{
		"-     a call ends with its context and leaves nothing running\n      not applicable: hang: it never hangs\n",
		"-     Push removes a session token beside the pair\n      not applicable: it has no room for one\n",
	} {
		if failed != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%d failed; want %q in\n%s", failed, want, &out)
		}
	}
}

func TestAnExternalSinkRunsWhatCanBeSeenThroughIt(t *testing.T) {
	k := modelKind("")
	target := k.New(nil)
	var out bytes.Buffer
	passed, failed := Report(t.Context(), External(k.Spec, target.Config, target.Env), &out)
	if failed != 0 || passed < 10 {
		t.Errorf("%d passed, %d failed\n%s", passed, failed, &out)
	}
}

func TestReportStopsWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if _, failed := Report(ctx, modelKind(""), &out); failed != 1 || !strings.Contains(out.String(), "context canceled") {
		t.Errorf("%d failed\n%s", failed, &out)
	}
}

func TestAPanicIsAFailureAndItsValueIsNotShown(t *testing.T) {
	k := modelKind("")
	k.New = func(T) Target { panic(modelToken) }
	var out bytes.Buffer
	_, failed := Report(t.Context(), k, &out)
	if failed == 0 || !strings.Contains(out.String(), "      panic\n") || strings.Contains(out.String(), modelToken) {
		t.Errorf("%d failed\n%s", failed, &out)
	}
}

func TestExampleIsTheBlockOfTheKind(t *testing.T) {
	got, err := Example(modelKind("").Spec)
	if want := "model:\n  path: a/b   # where\n\n  other: 1\n"; err != nil || got != want {
		t.Errorf("example %q, %v, want %q", got, err, want)
	}
}
