package standin

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"keyturn/rotator/rotatortest"
)

func getCallerIdentity(_ *Server, r *http.Request, c caller, _ url.Values) (string, error) {
	who, err := c.account.GetCallerIdentity(r.Context(), c.key)
	if err != nil {
		return "", err
	}
	return leaf("Arn", who.ARN) + leaf("UserId", who.UserID) + leaf("Account", who.Account), nil
}

// sessionName is what STS accepts. Source: STS API Reference, AssumeRole.
var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func assumeRole(s *Server, r *http.Request, c caller, p url.Values) (string, error) {
	role, name := p.Get("RoleArn"), p.Get("RoleSessionName")
	if !sessionName.MatchString(name) {
		return "", invalid("1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]* and have a length between 2 and 64")
	}
	d := time.Hour
	if v := p.Get("DurationSeconds"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 900 || n > 43200 {
			return "", invalid("1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: Member must be between 900 and 43200")
		}
		d = time.Duration(n) * time.Second
	}
	parts := strings.Split(role, ":")
	if len(parts) != 6 {
		return "", invalid(role + " is invalid")
	}
	m, ok := s.account(parts[4])
	if !ok {
		return "", &rotatortest.Error{Status: 403, Code: "AccessDenied", Message: "User is not authorized to perform: sts:AssumeRole on resource: " + role}
	}
	if m != c.account { // the role's account cannot tell whether the key is accepted
		if _, err := c.account.Accept(c.key, "sts", c.region); err != nil {
			return "", err
		}
	}
	ses, err := m.AssumeRole(r.Context(), c.key, role, name, p.Get("ExternalId"), d)
	if err != nil {
		return "", err
	}
	return el("AssumedRoleUser", leaf("AssumedRoleId", ses.Identity.UserID), leaf("Arn", ses.Identity.ARN)) +
		el("Credentials", leaf("AccessKeyId", string(ses.ID)), leaf("SecretAccessKey", ses.Secret.Reveal()),
			leaf("SessionToken", ses.Token.Reveal()), leaf("Expiration", date(ses.Until))), nil
}
