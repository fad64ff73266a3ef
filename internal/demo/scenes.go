package demo

import (
	"context"
	"fmt"
	"os"
	"time"
)

// opening: a user with an old key that two files serve.
func opening(ctx context.Context, s *stage) error {
	id, secret, err := s.aws.pair(45 * 24 * time.Hour)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		jenkins: fmt.Sprintf("# kept by hand until today\n[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", user, id, secret),
		deploy:  fmt.Sprintf("STAGE=prod\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", id, secret),
	} {
		if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	s.text(
		"One IAM user, "+user+", whose access key is 45 days old. Two files serve it: a credentials file that Jenkins reads,",
		"and a dotenv file that a deploy job reads. keyturn.yaml says max_age: 30d, so a rotation is owed.", "",
	)
	if err := s.run(ctx, 0, "seal", "keygen", "seal.key"); err != nil {
		return err
	}
	return s.run(ctx, 0, "plan")
}

// scheduled: the owed rotation, from the first check to the deletion of the old key.
func scheduled(ctx context.Context, s *stage) error {
	s.title("1. A scheduled rotation")
	old, err := s.bothServe()
	if err != nil {
		return err
	}
	s.text("A rotation is owed, so `rotate` starts it. It returns once both files are shown to serve the new key.", "")
	if err := s.run(ctx, 0, "rotate"); err != nil {
		return err
	}
	now, err := s.bothServe()
	if err == nil {
		err = must(now != old, "they still serve %s", old)
	}
	if err := s.shown(err, "both files serve the new key, and AWS accepts it"); err != nil {
		return err
	}
	if err := s.shown(must(s.aws.status(old) == "Active", "its status is %q", s.aws.status(old)),
		"the old key still works: a job that began a minute ago goes on"); err != nil {
		return err
	}
	s.text("", "Grace and soak are a second each here (an hour and a day by default). --wait stays for the rest.", "")
	if err := s.run(ctx, 0, "rotate", "--wait"); err != nil {
		return err
	}
	if err := s.shown(must(s.aws.status(old) == "", "its status is %q", s.aws.status(old)), "the old key is gone"); err != nil {
		return err
	}
	s.text("")
	return s.run(ctx, 0, "rotate")
}

// failing: a sink that breaks after the key was made, and comes back.
func failing(ctx context.Context, s *stage) error {
	s.title("2. A sink that fails, and recovers")
	s.text("The deploy folder disappears in the middle of a rotation: at the moment when AWS makes the new key.", "")
	old, err := s.bothServe()
	if err != nil {
		return err
	}
	moved := make(chan error, 1)
	s.aws.at("CreateAccessKey", func() { moved <- os.Rename(s.path("deploy"), s.path("deploy.gone")) })
	if err := s.run(ctx, 3, "rotate", "--now", user, "--reason", "demo"); err != nil {
		return err
	}
	if err := <-moved; err != nil {
		return err
	}
	fresh, _, err := serving(s.path(jenkins))
	if err == nil {
		err = must(fresh != old, "it still serves %s", old)
	}
	if err := s.shown(err, "the other file serves the new key already: sinks do not wait for one another"); err != nil {
		return err
	}
	if err := s.shown(must(s.aws.status(old) == "Active", "its status is %q", s.aws.status(old)),
		"the old key, which the deploy file had, is still active: nobody is locked out"); err != nil {
		return err
	}
	created := s.aws.iam.Count("CreateAccessKey")
	s.text("", "The folder comes back. The same command goes on with the same key.", "")
	if err := os.Rename(s.path("deploy.gone"), s.path("deploy")); err != nil {
		return err
	}
	if err := s.run(ctx, 0, "rotate", "--retire-now", user); err != nil {
		return err
	}
	now, err := s.bothServe()
	if err == nil {
		err = must(now == fresh, "they serve %s", now)
	}
	if err := s.shown(err, "both files serve the key that was made before the failure"); err != nil {
		return err
	}
	return s.shown(must(s.aws.iam.Count("CreateAccessKey") == created, "it was called again"), "CreateAccessKey was not called a second time")
}

// crash: SIGKILL between "AWS made the key" and "a sink has it".
func crash(ctx context.Context, s *stage) error {
	s.title("3. A crash, and a resume")
	s.text("AWS shows a new secret once. Here the process is killed (SIGKILL) right after that, before any file has the key.", "")
	old, err := s.bothServe()
	if err != nil {
		return err
	}
	created := s.aws.iam.Count("CreateAccessKey")
	s.aws.at("CreateAccessKey", func() { s.aws.killAt("GetCallerIdentity") })
	code, err := s.start(ctx, "rotate", "--now", "--retire-now", user)
	if err != nil {
		return err
	}
	s.text("    (killed)")
	if err := s.shown(must(code == -1, "it ended by itself, with exit code %d", code), "the process was killed while it proved the new key"); err != nil {
		return err
	}
	now, err := s.bothServe()
	if err == nil {
		err = must(now == old, "they serve %s", now)
	}
	if err := s.shown(err, "both files serve the old key, and it works"); err != nil {
		return err
	}
	s.text("", "The secret is sealed in the journal. Starting again is the same command; there is no special way to recover.", "")
	if err := s.run(ctx, 0, "rotate", "--retire-now", user); err != nil {
		return err
	}
	now, err = s.bothServe()
	if err == nil {
		err = must(now != old, "they still serve %s", old)
	}
	if err := s.shown(err, "both files serve the key that was made before the crash"); err != nil {
		return err
	}
	if err := s.shown(must(s.aws.iam.Count("CreateAccessKey") == created+1, "it was called %d times", s.aws.iam.Count("CreateAccessKey")-created),
		"CreateAccessKey was called once in all"); err != nil {
		return err
	}
	return s.shown(must(len(s.aws.iam.Keys(user)) == 1, "there are %d", len(s.aws.iam.Keys(user))), "AWS has one key for %s: no orphan is left", user)
}
