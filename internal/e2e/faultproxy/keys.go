package faultproxy

import (
	"net/http"
	"time"
)

// ledger is what the proxy knows of keys from the calls that passed.
type ledger struct {
	born     map[string]time.Time
	inactive map[string]bool
	secrets  []string
}

func newLedger() ledger { return ledger{born: map[string]time.Time{}, inactive: map[string]bool{}} }

func (l *ledger) learn(q *request, a *answer, now time.Time, trusted bool) {
	if a.status != http.StatusOK {
		return
	}
	switch id := q.form.Get("AccessKeyId"); q.action {
	case "CreateAccessKey":
		if !trusted {
			l.born[a.element("AccessKeyId")] = now
		}
		l.secrets = append(l.secrets, a.element("SecretAccessKey"))
	case "UpdateAccessKey":
		l.inactive[id] = q.form.Get("Status") == "Inactive"
	case "DeleteAccessKey":
		delete(l.born, id)
		delete(l.inactive, id)
	}
}

func (l *ledger) younger(keyID string, d time.Duration, now time.Time) bool {
	born, known := l.born[keyID]
	return known && now.Sub(born) < d
}
