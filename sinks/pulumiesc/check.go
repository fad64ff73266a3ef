package pulumiesc

import (
	"context"
	"fmt"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// trial is a pair that is edited in to see whether that can be done. It is never sent.
var trial = sinks.Credential{KeyID: "AKIAXXXXXXXXXXXXXXXX", Secret: secret.FromString("trial")}

// Check reads and decrypts the environment and edits a copy of it. It writes nothing.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	var warnings []sinks.Warning
	warn := func(format string, args ...any) {
		warnings = append(warnings, sinks.Warning("pulumi-esc: "+fmt.Sprintf(format, args...)))
	}
	if httpapi.Unencrypted(s.cfg.URL) {
		warn("%s is not encrypted: tokens and secrets can be read on the way", s.cfg.URL)
	}
	if _, err := s.decrypted(ctx); err != nil {
		return nil, err
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return nil, err
	}
	op := "pulumi-esc: check " + s.cfg.name()
	if _, err := edited(stored.text, s.path, s.cfg.Variables, trial); err != nil {
		return nil, sinks.Errorf(sinks.Refused, op, "%w", err)
	}
	if stored.etag == "" {
		return nil, sinks.Errorf(sinks.Refused, op, "the answer had no ETag: a change of somebody else could be lost")
	}
	s.look(stored.text, warn)
	return warnings, nil
}

// look warns of what is odd about the pair, by names only.
func (s *sink) look(text string, warn func(string, ...any)) {
	d, err := parse(text)
	if err != nil {
		return
	}
	v := s.cfg.Variables
	if e, _ := d.at(s.path, v.SessionToken); e != nil {
		warn("%s lies beside the pair and makes it useless: a push removes it", v.SessionToken)
	}
	e, _ := d.at(s.path, v.SecretAccessKey)
	if now := read(e); now.there && !now.encrypted && now.text != "" {
		warn("%s is not encrypted: a push encrypts it, but older revisions keep what it was", v.SecretAccessKey)
	}
}
