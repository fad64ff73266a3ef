package github

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"keyturn/sinks"
)

func TestAnAppsTokenIsNoMoreThanItNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		canary bool
		want   narrowing
	}{
		"a repository":    {func(*Config) {}, false, narrowing{[]string{"app"}, map[string]string{"secrets": "write"}}},
		"with a canary":   {func(*Config) {}, true, narrowing{[]string{"app"}, map[string]string{"secrets": "write", "actions": "write"}}},
		"an environment":  {func(c *Config) { c.Environment = "production" }, false, narrowing{[]string{"app"}, map[string]string{"environments": "write"}}},
		"Dependabot":      {func(c *Config) { c.Store = dependabot }, false, narrowing{[]string{"app"}, map[string]string{"dependabot_secrets": "write"}}},
		"Codespaces":      {func(c *Config) { c.Store = codespaces }, false, narrowing{[]string{"app"}, nil}},
		"an organization": {func(c *Config) { c.Repository, c.Organization = "", "acme" }, false, narrowing{nil, map[string]string{"organization_secrets": "write"}}},
		"its Codespaces":  {func(c *Config) { c.Repository, c.Organization, c.Store = "", "acme", codespaces }, false, narrowing{}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &Config{Repository: "acme/app", Store: actions}
			c.change(cfg)
			if got := narrowed(scopeOf(cfg), c.canary); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestAnAppsTokenIsUsedUntilItIsRefused(t *testing.T) {
	m, s := opened(t, func(m *model, c *Config) { m.withApp(t, c) })
	push(t, s)
	push(t, s)
	if len(m.minted) != 1 {
		t.Errorf("%d tokens for two pushes", len(m.minted))
	}
	m.Change(func() { delete(m.tokens, "ghs_minted1") })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(m.minted) != 2 {
		t.Errorf("%d tokens after one was revoked", len(m.minted))
	}
}

// The model's clock stands far from ours: what is left of the hour is what counts.
func TestAnAppsTokenEndsByGitHubsClock(t *testing.T) {
	m := newModel(t, t, ofGitHub)
	cfg := m.as(t, func(c *Config) { m.withApp(t, c) })
	i, err := newInstallation(t.Context(), cfg, scopeOf(cfg), sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Authenticate(t.Context(), http.Header{}); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(i.ends); left < 45*time.Minute || left > 51*time.Minute {
		t.Errorf("used for another %v, want an hour less %v", left, early)
	}
	i.ends = time.Now().Add(-time.Second)
	if err := i.Authenticate(t.Context(), http.Header{}); err != nil || len(m.minted) != 2 {
		t.Errorf("%d tokens, %v", len(m.minted), err)
	}
}

func TestAnotherFormOfTheKeyIsRead(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(appKeys())
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil || !key.Equal(appKeys()) {
		t.Error(err)
	}
	for name, text := range map[string]string{"no PEM": "key", "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := parseKey([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

var _ sinks.Limited = (*sink)(nil)
