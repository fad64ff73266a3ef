package exec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// sink runs a plugin once for each call.
type sink struct {
	command  []string
	config   map[string]string
	secrets  map[string]secret.Text
	timeout  time.Duration
	best     sinks.Evidence // as described
	readable bool           // as described
}

// reader is a sink whose plugin can say which key is served.
type reader struct{ *sink }

// Best is the best evidence that this plugin can give, as it says itself. The kind cannot
// know it, so whoever needs more must ask the open sink.
func (s *sink) Best() sinks.Evidence { return s.best }

// describe asks for no more than the plugin knows of itself.
func (s *sink) describe(ctx context.Context) error {
	a, err := s.call(ctx, request{Op: opDescribe})
	if err != nil {
		return err
	}
	if s.best, err = declared(a.Best); err != nil {
		return s.refuse(opDescribe, err)
	}
	s.readable = a.Readable
	return nil
}

// Check asks the plugin whether a push would be accepted.
func (s *sink) Check(ctx context.Context) ([]sinks.Warning, error) {
	a, err := s.call(ctx, request{Op: opCheck, Secrets: reveal(s.secrets)})
	if err != nil {
		return nil, err
	}
	var warnings []sinks.Warning
	if s.best < sinks.Stamped {
		warnings = append(warnings, sinks.Warning(fmt.Sprintf("the plugin's best evidence is %s: the sink needs min_evidence: %s", s.best, s.best)))
	}
	for _, w := range a.Warnings[:min(len(a.Warnings), maxWarnings)] {
		warnings = append(warnings, sinks.Warning(s.scrubber(nil).words([]byte(w), false)))
	}
	return warnings, nil
}

// Push hands the pair over.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	a, err := s.call(ctx, request{Op: opPush, Secrets: reveal(s.secrets), Credential: credentialOf(cred)})
	if err != nil {
		return sinks.Receipt{}, err
	}
	r, err := a.receipt()
	if err != nil {
		return sinks.Receipt{}, s.refuse(opPush, err)
	}
	return r, nil
}

// Verify asks the plugin to compare. It cannot claim more than it described.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, prev sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	a, err := s.call(ctx, request{
		Op: opVerify, Secrets: reveal(s.secrets), Previous: prev, Receipt: &r, Credential: credentialOf(cred),
	})
	if err != nil {
		return sinks.None, err
	}
	e, err := declared(a.Evidence)
	if err != nil {
		return sinks.None, s.refuse(opVerify, err)
	}
	if e > s.best {
		return sinks.None, s.refuse(opVerify, fmt.Errorf("the evidence %s is more than the %s that the plugin described", e, s.best))
	}
	return e, nil
}

// Serving asks which key is served.
func (r reader) Serving(ctx context.Context) (sinks.KeyID, error) {
	a, err := r.call(ctx, request{Op: opServing, Secrets: reveal(r.secrets)})
	if err != nil {
		return "", err
	}
	if a.AccessKeyID == nil || !servedShape.MatchString(*a.AccessKeyID) {
		return "", r.refuse(opServing, errors.New("access_key_id must be the id of a key, or empty"))
	}
	return sinks.KeyID(*a.AccessKeyID), nil
}

// call runs the plugin once. Nothing it says reaches an error unscrubbed, and an answer that
// holds a secret is dropped.
func (s *sink) call(ctx context.Context, req request) (answer, error) {
	ctx, cancel := ahead(ctx)
	defer cancel()
	ctx, stop := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("took longer than %s", s.timeout))
	defer stop()
	req.Version, req.Config = version, s.config
	line, err := req.encode()
	if err != nil {
		return answer{}, s.refuse(req.Op, err)
	}
	defer clear(line)
	scrub := s.scrubber(req.Credential)
	res, err := run(ctx, s.command, line)
	defer clear(res.stdout)
	if err != nil {
		return answer{}, &sinks.Error{Class: classOfRun(err), Op: s.op(req.Op), Err: err}
	}
	if res.exit != 0 {
		return answer{}, s.failed(req.Op, res, scrub)
	}
	if scrub.inAnswer(res.stdout) {
		return answer{}, s.refuse(req.Op, errors.New("the answer holds a secret; it was dropped"))
	}
	a, err := decode(res.stdout)
	if err != nil {
		return answer{}, s.refuse(req.Op, err)
	}
	return a, nil
}

// failed is the error of a plugin that ended with a status other than 0.
func (s *sink) failed(op string, res result, scrub scrubber) error {
	a, _ := decode(res.stdout) // it may have had no time for an answer
	words := scrub.words(res.stderr, res.cut)
	e := &sinks.Error{Class: a.classOf(res.exit), Op: s.op(op)}
	if a.Error != nil {
		words = scrub.words([]byte(a.Error.Message), false)
		e.After = time.Duration(min(max(a.Error.RetryAfter, 0), 3600) * float64(time.Second))
	}
	e.Err = fmt.Errorf("exit status %d", res.exit)
	if words != "" {
		e.Err = fmt.Errorf("exit status %d: %s", res.exit, words)
	}
	return e
}

// classOfRun is for processes that could not be run, or not to their end.
func classOfRun(err error) sinks.Class {
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return sinks.Missing
	case errors.Is(err, fs.ErrPermission):
		return sinks.Denied
	case errors.Is(err, errTooLong), errors.Is(err, errEscaped), errors.Is(err, exec.ErrDot):
		return sinks.Refused
	}
	return sinks.Temporary
}

// scrubber knows what this call hands over.
func (s *sink) scrubber(c *credential) scrubber {
	secrets := slices.Collect(maps.Values(s.secrets))
	if c != nil {
		secrets = append(secrets, secret.FromString(c.SecretAccessKey))
	}
	return newScrubber(secrets...)
}

func (s *sink) refuse(op string, err error) error {
	return &sinks.Error{Class: sinks.Refused, Op: s.op(op), Err: err}
}

func (s *sink) op(op string) string { return "exec " + filepath.Base(s.command[0]) + ": " + op }
