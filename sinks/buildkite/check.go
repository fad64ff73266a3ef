package buildkite

import (
	"context"
	"slices"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check asks for the token's scopes. Source: REST API, "Access token".
func (s *store) Check(ctx context.Context, _ []string, _ map[string]vars.Seen) ([]sinks.Warning, error) {
	const op = "buildkite: look up the token"
	var got struct {
		Scopes []string `json:"scopes"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/access-token"}, &got); err != nil {
		return nil, err
	}
	need := []string{"read_secret_details", "write_secrets"}
	if s.canary {
		need = append(need, "read_builds", "write_builds")
	}
	need = slices.DeleteFunc(need, func(scope string) bool { return slices.Contains(got.Scopes, scope) })
	if len(need) > 0 {
		return nil, sinks.Errorf(sinks.Denied, op, "it has not the scope %s", strings.Join(need, ", "))
	}
	return nil, nil
}
