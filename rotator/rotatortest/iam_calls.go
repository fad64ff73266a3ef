package rotatortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// maxKeys is IAM's quota of access keys per user; Inactive ones count.
const maxKeys = 2

// Ambient signs calls that no key of the model signs: an assumed role that always works.
const Ambient rotator.KeyID = ""

var errSignature = &Error{403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."}

// UserDetail is a user with all that GetUser and ListUsers show.
type UserDetail struct {
	rotator.User
	Tags map[string]string
}

// Session is what AssumeRole returns.
type Session struct {
	ID            rotator.KeyID
	Secret, Token secret.Text
	Until         time.Time
	Identity      rotator.Identity
}

// Pair is what signs as id, whether AWS accepts it now or not: a secret and, of a session, a
// token. ok says whether id was ever given out here.
func (m *IAM) Pair(id rotator.KeyID) (s, token secret.Text, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.keys[id]; ok {
		return clone(k.secret), secret.Text{}, true
	}
	if ses, ok := m.sessions[id]; ok {
		return clone(ses.secret), clone(ses.token), true
	}
	return secret.Text{}, secret.Text{}, false
}

// Accept says whether a call to another service of AWS that id signed is accepted now, notes the
// use, and says who it is. The caller has checked the signature.
func (m *IAM) Accept(id rotator.KeyID, service, region string) (rotator.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.accept(id, service, region, m.now()); err != nil {
		return rotator.Identity{}, err
	}
	return m.identity(id), nil
}

// Clock is AWS's time.
func (m *IAM) Clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now()
}

// GetCallerIdentity says who signed.
func (m *IAM) GetCallerIdentity(ctx context.Context, by rotator.KeyID) (id rotator.Identity, err error) {
	err = m.do(ctx, Call{Op: "GetCallerIdentity", By: by, Key: by}, func(time.Time) (bool, error) {
		id = m.identity(by)
		return false, nil
	})
	return id, err
}

// AssumeRole makes a session of a role of this account. by may be a key of another account, whose
// signature the caller has checked.
func (m *IAM) AssumeRole(ctx context.Context, by rotator.KeyID, role, name, externalID string, d time.Duration) (s Session, err error) {
	err = m.do(ctx, Call{Op: "AssumeRole", By: by}, func(now time.Time) (bool, error) {
		want, ok := m.roles[role]
		if !ok || want != externalID && want != "" {
			return false, &Error{403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole on resource: " + role}
		}
		short := role[strings.LastIndex(role, "/")+1:]
		ses := &session{
			secret: secretKey(), token: sessionToken(), until: now.Add(d),
			arn: "arn:aws:sts::" + m.account + ":assumed-role/" + short + "/" + name,
			id:  uniqueID("AROA") + ":" + name,
		}
		id := keyID("ASIA", m.account)
		m.sessions[id] = ses
		m.minted = append(m.minted, ses.secret, ses.token)
		s = Session{ID: id, Secret: clone(ses.secret), Token: clone(ses.token), Until: ses.until, Identity: m.identity(id)}
		return false, nil
	})
	return s, err
}

// GetUser describes a user.
func (m *IAM) GetUser(ctx context.Context, by rotator.KeyID, name string) (d UserDetail, err error) {
	err = m.do(ctx, Call{Op: "GetUser", By: by, User: name}, func(time.Time) (bool, error) {
		u, err := m.user(name)
		if err != nil {
			return false, err
		}
		d = m.detail(u)
		return false, nil
	})
	return d, err
}

// ListUsers describes all users whose path begins with prefix, by name. AWS's has no tags.
func (m *IAM) ListUsers(ctx context.Context, by rotator.KeyID, prefix string) (list []rotator.User, err error) {
	err = m.do(ctx, Call{Op: "ListUsers", By: by}, func(time.Time) (bool, error) {
		for _, u := range m.users {
			if strings.HasPrefix(u.path, prefix) {
				list = append(list, m.public(u))
			}
		}
		slices.SortFunc(list, func(a, b rotator.User) int { return strings.Compare(a.Name, b.Name) })
		return false, nil
	})
	return list, err
}

// TagUser writes tags.
func (m *IAM) TagUser(ctx context.Context, by rotator.KeyID, name string, tags map[string]string) error {
	return m.do(ctx, Call{Op: "TagUser", By: by, User: name}, func(time.Time) (bool, error) {
		u, err := m.user(name)
		if err != nil {
			return false, err
		}
		for k, v := range tags {
			u.tags[k] = v
		}
		return true, nil
	})
}

// ListAccessKeys lists a user's keys, oldest first.
func (m *IAM) ListAccessKeys(ctx context.Context, by rotator.KeyID, name string) (keys []rotator.Key, err error) {
	err = m.do(ctx, Call{Op: "ListAccessKeys", By: by, User: name}, func(now time.Time) (bool, error) {
		u, err := m.user(name)
		if err != nil {
			return false, err
		}
		for _, k := range u.keys {
			if !now.Before(k.listedAt) {
				keys = append(keys, k.public())
			}
		}
		return false, nil
	})
	return keys, err
}

// CreateAccessKey makes a key. With [ErrTruncated] the key is returned without its secret.
func (m *IAM) CreateAccessKey(ctx context.Context, by rotator.KeyID, name string) (rotator.Key, secret.Text, error) {
	var made rotator.Key
	var text secret.Text
	err := m.do(ctx, Call{Op: "CreateAccessKey", By: by, User: name}, func(now time.Time) (bool, error) {
		u, err := m.user(name)
		if err != nil {
			return false, err
		}
		k, err := m.create(u, now)
		if err != nil {
			return false, err
		}
		made, text = k.public(), clone(k.secret)
		return true, nil
	})
	switch {
	case errors.Is(err, ErrTruncated):
		return made, secret.Text{}, err
	case err != nil:
		return rotator.Key{}, secret.Text{}, err
	}
	return made, text, nil
}

// UpdateAccessKey makes a key Active or Inactive.
func (m *IAM) UpdateAccessKey(ctx context.Context, by rotator.KeyID, name string, id rotator.KeyID, status rotator.KeyStatus) error {
	return m.do(ctx, Call{Op: "UpdateAccessKey", By: by, User: name, Key: id}, func(now time.Time) (bool, error) {
		k, err := m.keyOf(name, id)
		if err != nil {
			return false, err
		}
		setStatus(k, status, now)
		return true, nil
	})
}

// DeleteAccessKey removes a key, Active or not.
func (m *IAM) DeleteAccessKey(ctx context.Context, by rotator.KeyID, name string, id rotator.KeyID) error {
	return m.do(ctx, Call{Op: "DeleteAccessKey", By: by, User: name, Key: id}, func(now time.Time) (bool, error) {
		k, err := m.keyOf(name, id)
		if err != nil {
			return false, err
		}
		m.remove(k, now)
		return true, nil
	})
}

// GetAccessKeyLastUsed tells a key's last use, and its user. A zero At is "never seen".
func (m *IAM) GetAccessKeyLastUsed(ctx context.Context, by, id rotator.KeyID) (use rotator.Use, err error) {
	err = m.do(ctx, Call{Op: "GetAccessKeyLastUsed", By: by, Key: id}, func(now time.Time) (bool, error) {
		k, ok := m.keys[id]
		if !ok || k.deleted {
			return false, &Error{403, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key %s", m.identity(by).ARN, id)}
		}
		use = k.lastUse(now, m.LastUsedDelay)
		use.User = k.user.name
		return false, nil
	})
	return use, err
}

// ListAttachedUserPolicies lists the ARNs of the managed policies of a user.
func (m *IAM) ListAttachedUserPolicies(ctx context.Context, by rotator.KeyID, name string) (arns []string, err error) {
	err = m.do(ctx, Call{Op: "ListAttachedUserPolicies", By: by, User: name}, func(time.Time) (bool, error) {
		u, err := m.user(name)
		if err != nil {
			return false, err
		}
		arns = slices.Clone(u.policies)
		return false, nil
	})
	return arns, err
}

// DetachUserPolicy detaches a managed policy.
func (m *IAM) DetachUserPolicy(ctx context.Context, by rotator.KeyID, name, arn string) error {
	return m.do(ctx, Call{Op: "DetachUserPolicy", By: by, User: name}, func(time.Time) (bool, error) {
		u, err := m.user(name)
		if err != nil {
			return false, err
		}
		i := slices.Index(u.policies, arn)
		if i < 0 {
			return false, &Error{404, "NoSuchEntity", "Policy " + arn + " was not found."}
		}
		u.policies = slices.Delete(u.policies, i, i+1)
		return true, nil
	})
}

// denied are the actions of keyturn that AWS's quarantine policies deny.
var denied = []string{"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "DetachUserPolicy"}

// allowed checks the signing key, and applies quarantine policies of its user.
func (m *IAM) allowed(c Call, now time.Time) error {
	service := "iam"
	if c.Op == "GetCallerIdentity" || c.Op == "AssumeRole" {
		service = "sts"
	}
	k, ok := m.keys[c.By]
	if c.By == Ambient || c.Op == "AssumeRole" && !ok && m.sessions[c.By] == nil {
		return nil // a role may be assumed from another account
	}
	if err := m.accept(c.By, service, "us-east-1", now); err != nil || !ok || !slices.Contains(denied, c.Op) {
		return err
	}
	for _, p := range k.user.policies {
		if isQuarantine(p) {
			return &Error{403, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: iam:%s with an explicit deny in an identity-based policy: %s", k.user.arn(m.account), c.Op, p)}
		}
	}
	return nil
}

// accept checks a signing key and notes its use.
func (m *IAM) accept(id rotator.KeyID, service, region string, now time.Time) error {
	if ses, ok := m.sessions[id]; ok {
		if !now.Before(ses.until) {
			return fault(Expired)
		}
		return nil
	}
	k, ok := m.keys[id]
	if !ok || !k.signs(now, m.DisabledWorksFor) {
		return errUnknownSigner
	}
	if now.Before(k.knownAt) {
		k.signed++
		if (k.signed-1)/2%2 == 1 {
			return errUnknownSigner
		}
	}
	k.used(rotator.Use{At: now, Service: service, Region: region}, m.LastUsedDelay)
	return nil
}

func (m *IAM) identity(by rotator.KeyID) rotator.Identity {
	if k, ok := m.keys[by]; ok {
		return rotator.Identity{Account: m.account, ARN: k.user.arn(m.account), UserID: k.user.id}
	}
	if s, ok := m.sessions[by]; ok {
		return rotator.Identity{Account: m.account, ARN: s.arn, UserID: s.id}
	}
	return rotator.Identity{
		Account: m.account, ARN: "arn:aws:sts::" + m.account + ":assumed-role/keyturn/ambient", UserID: "AROAKEYTURNAMBIENT234:ambient",
	}
}

func (m *IAM) user(name string) (*user, error) {
	if u, ok := m.users[strings.ToLower(name)]; ok {
		return u, nil
	}
	return nil, &Error{404, "NoSuchEntity", "The user with name " + name + " cannot be found."}
}

func (m *IAM) keyOf(userName string, id rotator.KeyID) (*key, error) {
	u, err := m.user(userName)
	if err != nil {
		return nil, err
	}
	for _, k := range u.keys {
		if k.id == id {
			return k, nil
		}
	}
	return nil, &Error{404, "NoSuchEntity", "The Access Key with id " + string(id) + " cannot be found."}
}

func (m *IAM) create(u *user, created time.Time) (*key, error) {
	if len(u.keys) >= maxKeys {
		return nil, &Error{409, "LimitExceeded", fmt.Sprintf("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)}
	}
	k := &key{
		id: keyID("AKIA", m.account), secret: secretKey(), user: u, status: rotator.Active, created: created,
		usableAt: created.Add(m.NewKeyUsableAfter), knownAt: created.Add(m.NewKeyUsableAfter + m.NewKeyPatchyFor),
		listedAt: created.Add(m.NewKeyListedAfter),
	}
	u.keys = append(u.keys, k)
	slices.SortStableFunc(u.keys, func(a, b *key) int { return a.created.Compare(b.created) })
	m.keys[k.id] = k
	m.minted = append(m.minted, k.secret)
	return k, nil
}

func (m *IAM) remove(k *key, now time.Time) {
	if k.status == rotator.Active {
		k.offAt = now
	}
	k.deleted = true
	k.user.keys = slices.DeleteFunc(k.user.keys, func(o *key) bool { return o == k })
}

func setStatus(k *key, status rotator.KeyStatus, now time.Time) {
	if k.status == rotator.Active && status == rotator.Inactive {
		k.offAt = now
	}
	k.status = status
}

func (m *IAM) public(u *user) rotator.User {
	return rotator.User{Name: u.name, Path: u.path, ID: u.id, ARN: u.arn(m.account), Account: m.account, Tag: u.tags[rotator.Tag]}
}

func (m *IAM) detail(u *user) UserDetail {
	d := UserDetail{User: m.public(u), Tags: map[string]string{}}
	for k, v := range u.tags {
		d.Tags[k] = v
	}
	return d
}

const (
	policyPrefix     = "arn:aws:iam::aws:policy/"
	quarantinePrefix = policyPrefix + "AWSCompromisedKeyQuarantine"
)

func isQuarantine(arn string) bool { return strings.HasPrefix(arn, quarantinePrefix) }

// policyARN completes the name of a managed policy of AWS.
func policyARN(policy string) string {
	if strings.HasPrefix(policy, "arn:") {
		return policy
	}
	return policyPrefix + policy
}
