package rotatortest

import (
	"slices"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// What follows is access from outside: it is not a call, knows no faults, no latency and no
// propagation, and appears in no log.

// AddUser makes a user. path is "/" or "/robots/"; "" is "/".
func (m *IAM) AddUser(name, path string) rotator.User {
	m.mu.Lock()
	defer m.mu.Unlock()
	if path == "" {
		path = "/"
	}
	u := &user{name: name, path: path, id: uniqueID("AIDA"), tags: map[string]string{}}
	m.users[strings.ToLower(name)] = u
	return m.public(u)
}

// RemoveUser removes a user with its keys.
func (m *IAM) RemoveUser(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[strings.ToLower(name)]
	if !ok {
		return
	}
	for _, k := range slices.Clone(u.keys) {
		m.remove(k, m.now())
	}
	delete(m.users, strings.ToLower(name))
}

// AddKey makes an Active key that was created age ago, known everywhere and never used. It keeps to the quota.
func (m *IAM) AddKey(userName string, age time.Duration) (rotator.Key, secret.Text, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.user(userName)
	if err != nil {
		return rotator.Key{}, secret.Text{}, err
	}
	k, err := m.create(u, m.now().Add(-age))
	if err != nil {
		return rotator.Key{}, secret.Text{}, err
	}
	k.usableAt, k.knownAt, k.listedAt = time.Time{}, time.Time{}, time.Time{}
	return k.public(), clone(k.secret), nil
}

// UseKey signs a request with the pair, as a workload does. It fails as AWS would.
func (m *IAM) UseKey(id rotator.KeyID, s secret.Text, service, region string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.keys[id]; ok && !k.secret.Equal(s) {
		return errSignature
	}
	return m.accept(id, service, region, m.now())
}

// Works says that id is Active, that the secret is its own, and that all of AWS knows it.
func (m *IAM) Works(id rotator.KeyID, secretText string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[id]
	return ok && !k.deleted && k.status == rotator.Active && !m.now().Before(k.usableAt) && !m.now().Before(k.knownAt) && k.secret.EqualString(secretText)
}

// DeleteKey removes a key. Nothing happens if there is none.
func (m *IAM) DeleteKey(id rotator.KeyID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.keys[id]; ok && !k.deleted {
		m.remove(k, m.now())
	}
}

// SetStatus makes a key Active or Inactive. Nothing happens if there is none.
func (m *IAM) SetStatus(id rotator.KeyID, status rotator.KeyStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.keys[id]; ok && !k.deleted {
		setStatus(k, status, m.now())
	}
}

// Keys are the user's keys as they are, oldest first.
func (m *IAM) Keys(userName string) []rotator.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[strings.ToLower(userName)]
	if !ok {
		return nil
	}
	keys := make([]rotator.Key, 0, len(u.keys))
	for _, k := range u.keys {
		keys = append(keys, k.public())
	}
	return keys
}

// Secret is the secret of a key, also of one that was deleted.
func (m *IAM) Secret(id rotator.KeyID) (secret.Text, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[id]
	if !ok {
		return secret.Text{}, false
	}
	return clone(k.secret), true
}

// Minted are all secrets and session tokens that were ever given out.
func (m *IAM) Minted() []secret.Text {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]secret.Text, 0, len(m.minted))
	for _, s := range m.minted {
		all = append(all, clone(s))
	}
	return all
}

// UserTag is the value of a user's tag; "" if there is none.
func (m *IAM) UserTag(userName, tag string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u, ok := m.users[strings.ToLower(userName)]; ok {
		return u.tags[tag]
	}
	return ""
}

// PutUserTag writes a tag; an empty value removes it.
func (m *IAM) PutUserTag(userName, tag, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[strings.ToLower(userName)]
	switch {
	case !ok:
	case value == "":
		delete(u.tags, tag)
	default:
		u.tags[tag] = value
	}
}

// Attach attaches a managed policy of AWS to a user: "AWSCompromisedKeyQuarantineV3".
func (m *IAM) Attach(userName, policy string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	arn := policyARN(policy)
	if u, ok := m.users[strings.ToLower(userName)]; ok && !slices.Contains(u.policies, arn) {
		u.policies = append(u.policies, arn)
	}
}

// AddRole makes a role that everybody in the model may assume, with the external id if it is not
// empty, and returns its ARN.
func (m *IAM) AddRole(name, externalID string) (arn string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	arn = "arn:aws:iam::" + m.account + ":role/" + name
	m.roles[arn] = externalID
	return arn
}

// RemoveRole removes a role by its ARN. Sessions go on.
func (m *IAM) RemoveRole(arn string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.roles, arn)
}

// Log is every call so far, in the order in which they came.
func (m *IAM) Log() []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.log)
}

// Count is how many calls of an action were made.
func (m *IAM) Count(op string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[op]
}

// ForgetCalls empties the log and begins to count anew.
func (m *IAM) ForgetCalls() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = nil
	clear(m.calls)
}
