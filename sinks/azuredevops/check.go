package azuredevops

import (
	"bytes"
	"context"
	"net/http"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Check reads the object and asks whether it is among those that the identity may manage. It writes nothing.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	now, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	op := "azure-devops: check " + s.cfg.name()
	if err := s.object.refuses(now.fields); err != nil {
		return nil, sinks.Errorf(sinks.Refused, op, "%w", err)
	}
	if err := s.mayManage(ctx, op, now.fields); err != nil {
		return nil, err
	}
	var warnings []sinks.Warning
	if httpapi.Unencrypted(s.cfg.URL) {
		warnings = append(warnings, sinks.Warning("azure-devops: "+s.cfg.URL+" is not encrypted: tokens and secrets can be read on the way"))
	}
	for _, w := range s.object.warns(now.fields) {
		warnings = append(warnings, sinks.Warning("azure-devops: "+w))
	}
	return warnings, nil
}

func (s *sink) mayManage(ctx context.Context, op string, now fields) error {
	path, query := s.object.rights(now)
	query.Set("api-version", "7.1")
	var list struct {
		Value []fields `json:"value"`
	}
	if _, err := s.do(ctx, httpapi.Request{Op: op, Method: http.MethodGet, Path: path, Query: query, Explain: explain(op)}, &list); err != nil {
		return err
	}
	for _, f := range list.Value {
		if bytes.EqualFold(f["id"], now["id"]) {
			return nil
		}
	}
	return sinks.Errorf(sinks.Denied, op, "the token's identity may read it and not manage it")
}
