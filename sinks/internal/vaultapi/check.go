package vaultapi

import (
	"context"
	"slices"
	"strings"
	"time"

	"keyturn/sinks"
)

// soon is when a token that runs out deserves a warning.
const soon = 72 * time.Hour

// CheckRights asks whether the token may do need to path. Source: "/sys/capabilities-self (API)".
func (c *Client) CheckRights(ctx context.Context, op, path, need string, warn func(string, ...any)) error {
	var got struct {
		Data struct {
			Capabilities []string `json:"capabilities"`
		} `json:"data"`
	}
	_, err := c.Put(ctx, op, "sys/capabilities-self", map[string]any{"paths": []string{path}}, &got)
	if sinks.ClassOf(err) == sinks.Denied {
		warn("%s: the token may not ask for its capabilities (policy \"default\"): whether it may write %s is not known", c.kind, path)
		return nil
	}
	if err != nil {
		return err
	}
	may := got.Data.Capabilities
	if !slices.Contains(may, "root") && !slices.Contains(may, need) {
		return sinks.Errorf(sinks.Denied, op, "the token's policies do not allow %s on %s", need, path)
	}
	return nil
}

// CheckToken warns of a token that runs out and that keyturn cannot replace. Source: "Token auth method (API)".
func (c *Client) CheckToken(ctx context.Context, warn func(string, ...any)) error {
	if c.login.method != nil {
		return nil
	}
	var got struct {
		Data struct {
			TTL        int    `json:"ttl"`
			ExpireTime string `json:"expire_time"`
		} `json:"data"`
	}
	err := c.Get(ctx, c.kind+": look up the token", "auth/token/lookup-self", &got)
	if sinks.ClassOf(err) == sinks.Denied {
		warn("%s: the token may not look itself up (policy \"default\"): when it runs out is not known", c.kind)
		return nil
	}
	if err != nil {
		return err
	}
	left := time.Duration(got.Data.TTL) * time.Second
	if got.Data.ExpireTime != "" && left < soon {
		warn("%s: the token runs out in %s", c.kind, strings.TrimSuffix(left.Round(time.Minute).String(), "0s"))
	}
	return nil
}
