package demo

import (
	"fmt"
	"os"
	"regexp"

	"keyturn/rotator"
)

var (
	idLine     = regexp.MustCompile(`(?mi)^(?:export )?aws_access_key_id\s*=\s*["']?([A-Z0-9]+)`)
	secretLine = regexp.MustCompile(`(?mi)^(?:export )?aws_secret_access_key\s*=\s*["']?([A-Za-z0-9/+]+)`)
)

// serving is the pair in a file, read as its readers would.
func serving(path string) (rotator.KeyID, string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	id, secret := idLine.FindSubmatch(b), secretLine.FindSubmatch(b)
	if id == nil || secret == nil {
		return "", "", fmt.Errorf("%s: %w", path, errNotServed)
	}
	return rotator.KeyID(id[1]), string(secret[1]), nil
}

// bothServe says whether both files serve the same pair, and AWS accepts it; which key that is.
func (s *stage) bothServe() (rotator.KeyID, error) {
	var first rotator.KeyID
	for _, f := range []string{jenkins, deploy} {
		id, secret, err := serving(s.path(f))
		if err != nil {
			return "", err
		}
		if err := s.aws.accepts(id, secret); err != nil {
			return "", fmt.Errorf("the pair in %s: %w", f, err)
		}
		if first != "" && id != first {
			return "", fmt.Errorf("%s serves %s and %s serves %s", jenkins, first, deploy, id)
		}
		first = id
	}
	return first, nil
}

// The files of the story.
const (
	jenkins = "jenkins/credentials"
	deploy  = "deploy/env"
)
