package demo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"keyturn/internal/app"
	"keyturn/rotator"
	"keyturn/rotator/journal"
)

// journalled: what is left to read afterwards, and what is not.
func journalled(ctx context.Context, s *stage) error {
	s.title("4. What the journal holds")
	s.text("Every rotation:", "")
	if err := s.run(ctx, 0, "history"); err != nil {
		return err
	}
	s.text("", "And each step of it, the intent before the deed. This is the one that was killed:", "")
	if err := s.run(ctx, 0, "journal", "backup", "copy.db"); err != nil {
		return err
	}
	s.text("")
	if err := s.events(ctx); err != nil {
		return err
	}
	s.text("")
	if err := s.run(ctx, 0, "status"); err != nil {
		return err
	}
	secrets, places, err := s.search()
	return s.shown(err, "none of the %d secrets that AWS gave out stands in any of the %d files that keyturn keeps, nor in base64 or hex", secrets, places)
}

// events prints the last rotation's events from the copy, and which process wrote them.
func (s *stage) events(ctx context.Context) error {
	j, err := journal.OpenReadOnly(ctx, s.path("copy.db"))
	if err != nil {
		return err
	}
	defer func() { _ = j.Close() }()
	log, err := j.Events(ctx, rotator.UserRef{Account: account, User: user}.Stream())
	if err != nil {
		return err
	}
	last := log.Events[len(log.Events)-1].Rotation
	writers := map[string]int{}
	for _, e := range log.Events {
		if e.Rotation != last {
			continue
		}
		if writers[e.By] == 0 {
			writers[e.By] = len(writers) + 1
		}
		what := app.Sentence(e)
		if intent, ok := e.Body.(rotator.KeyIntended); ok {
			what = fmt.Sprintf("about to %s %s", intent.Change, intent.Key)
		}
		if _, ok := e.Body.(rotator.IssueIntended); ok {
			what = "about to call CreateAccessKey, once"
		}
		if what, _, _ = strings.Cut(what, ";"); what != "" {
			fmt.Fprintf(s.out, "    process %d  %-14s  %s\n", writers[e.By], e.Body.Type(), what)
		}
	}
	return must(len(writers) == 2, "the events of rotation %s were written by %d processes", last, len(writers))
}

// search looks for every secret that the stand-in gave out in everything that keyturn keeps.
func (s *stage) search() (secrets, files int, err error) {
	minted := s.aws.iam.Minted()
	err = filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(s.dir, path)
		if err != nil || d.IsDir() || rel == jenkins || rel == deploy {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, m := range minted {
			v := []byte(m.Reveal())
			for _, form := range [][]byte{v, []byte(base64.StdEncoding.EncodeToString(v)), []byte(hex.EncodeToString(v))} {
				if bytes.Contains(b, form) {
					return fmt.Errorf("%s holds one", rel)
				}
			}
		}
		return nil
	})
	return len(minted), files, err
}
