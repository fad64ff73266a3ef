package rotator

import (
	"strings"
	"time"
)

// sameUser: the user is there, in the right account, and is the one the rotation began with.
func sameUser(s State, p *Progress, _ time.Time, _ Policy, w World) (Step, bool) {
	user := p.Started.User
	switch {
	case w.Gone:
		return p.hold(HoldUserMissing, "--abandon", "the IAM user %s does not exist any more", user), true
	case w.User.Account != "" && w.User.Account != accountOf(p.Started.ARN):
		return p.hold(HoldAccountChanged, "--retry", "the credentials reach account %s, but the rotation began in account %s; configure that account again",
			w.User.Account, accountOf(p.Started.ARN)), true
	case w.User.ID != p.Started.UserID:
		return p.hold(HoldUserChanged, "--abandon", "the IAM user %s was deleted and made anew (its UserId is %s, was %s)", user, w.User.ID, p.Started.UserID), true
	}
	if before := s.before(p); before != nil && before.Started.UserID != w.User.ID && !p.Accepted[HoldUserChanged] {
		return p.hold(HoldUserChanged, "--retry", "the IAM user %s is not the one that was rotated before: it was deleted and made anew (its UserId is %s, was %s)",
			user, w.User.ID, before.Started.UserID), true
	}
	return Step{}, false
}

// before is the rotation before p.
func (s State) before(p *Progress) *Progress {
	for i, r := range s.Rotations {
		if r == p && i > 0 {
			return s.Rotations[i-1]
		}
	}
	return nil
}

// sameJournal: the user's tag names this journal, and a rotation that this log knows.
func sameJournal(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if w.User.Tag == "" {
		return Step{}, false
	}
	journal, rotation, err := ParseTag(w.User.Tag)
	if err == nil && journal == s.Journal && s.Knows(rotation) {
		return Step{}, false
	}
	copied := err == nil && journal == s.Journal
	// Two journals adopted the user in the same moment, and the other one won: a key that nobody was given goes. A
	// copy of this journal has the same key, and may have given it.
	if p.New.ID != "" && !p.Offered() && !copied {
		return p.yield(s, now, w), true
	}
	if copied {
		return p.hold(HoldRestored, "--retry",
			"the user's tag names rotation %s, which this journal does not know: it was restored from an older copy, or a copy of it is at work elsewhere; "+
				"bring the newer journal back, or, if it is lost for good, remove the user's tag %s and retry", rotation, Tag), true
	}
	return p.hold(HoldTagForeign, "--retry",
		"the user's tag %s says that another journal manages it (%q, this one is %q); stop the other keyturn, remove the tag and retry", Tag, w.User.Tag, s.Journal), true
}

// sameSinks: a required sink that is no longer configured may still serve the old key.
func sameSinks(_ State, p *Progress, _ time.Time, _ Policy, w World) (Step, bool) {
	for _, sp := range p.live(true) {
		if w.Configured != nil && !w.Configured[sp.Name] {
			return p.hold(HoldSinkMissing, "--drop-sink "+sp.Name,
				"the required sink %s is no longer in the configuration; put it back and retry, or drop it", sp.Name), true
		}
	}
	return Step{}, false
}

// knownKeys: between the new key's birth and the end nobody else's key appears.
func knownKeys(_ State, p *Progress, _ time.Time, _ Policy, w World) (Step, bool) {
	for _, k := range w.Keys {
		if k.ID == p.New.ID || k.ID == p.Old || p.Tolerated[k.ID] {
			continue
		}
		return p.hold(HoldUnknownKey, "--keep "+string(k.ID),
			"the user has a key that this rotation does not know: %s; let it be with --keep, or delete it with --delete", describe(k, w)), true
	}
	return Step{}, false
}

// newKeyLives: the new key is there and Active. A key just made may not be listed at once.
func newKeyLives(s State, p *Progress, _ time.Time, pol Policy, w World) (Step, bool) {
	if !w.after(p.IssuedSeq) {
		return Step{}, false
	}
	k, there := w.key(p.New.ID)
	switch {
	case !there && w.At.Before(p.IssuedAt.Add(pol.Settle)):
		return Step{}, false
	case !there:
		return p.hold(HoldNewMissing, "--abandon", "the new key %s was deleted by somebody else; abandon this rotation and start another", p.New.ID), true
	case k.Status != Active:
		return p.hold(HoldNewInactive, "--retry", "the new key %s was deactivated by somebody else; reactivate it and retry, or abandon this rotation", p.New.ID), true
	}
	return Step{}, false
}

// accountOf is the account number in an ARN.
func accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}
