package exec

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

var (
	exampleConfig = map[string]string{"url": "https://store.example.com/a/b", "item": "ci <bot> & co"}
	examplePair   = sinks.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: secret.FromString("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")}
	exampleStamp  = sinks.Receipt{Stamp: "v7", At: time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC), Data: json.RawMessage(`{"id":7}`)}
)

// The files are what plugins of version 1 were written for: see testdata/README.md.
func TestRequestsAreThoseOfVersion1(t *testing.T) {
	secrets := map[string]string{"token": `to/ken+"quoted"`}
	for file, req := range map[string]request{
		"request-bare.json":     {Op: opDescribe},
		"request-describe.json": {Op: opDescribe, Config: exampleConfig},
		"request-check.json":    {Op: opCheck, Config: exampleConfig, Secrets: secrets},
		"request-push.json":     {Op: opPush, Config: exampleConfig, Secrets: secrets, Credential: credentialOf(examplePair)},
		"request-verify.json": {
			Op: opVerify, Config: exampleConfig, Secrets: secrets, Previous: "AKIAI44QH8DHBEXAMPLE", Receipt: &exampleStamp,
			Credential: credentialOf(examplePair),
		},
		"request-verify-first.json": {
			Op: opVerify, Config: exampleConfig, Secrets: secrets, Receipt: &sinks.Receipt{}, Credential: credentialOf(examplePair),
		},
		"request-serving.json": {Op: opServing, Config: exampleConfig, Secrets: secrets},
	} {
		t.Run(file, func(t *testing.T) {
			req.Version = 1
			got, err := req.encode()
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join("testdata", "v1", file))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}
