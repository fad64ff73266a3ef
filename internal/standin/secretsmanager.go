package standin

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The staging labels that Secrets Manager gives a meaning.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// maxSecret is the largest SecretString.
const maxSecret = 65536

// Secret is one of Secrets Manager.
type Secret struct {
	Name, ARN       string
	OwningService   string    // "appflow" if another service of AWS manages it
	RotationEnabled bool      // it has a rotation of its own
	DeletedAt       time.Time // scheduled for deletion since; zero if not
	Versions        []*Version
}

// Version is one value of a Secret. It never changes; its labels do.
type Version struct {
	ID      string
	Value   string // SecretString
	Created time.Time
	Stages  []string
}

// EditSecret lets f look at, or change, a secret from outside; f is given nil if there is none.
func (s *Server) EditSecret(account, region, name string, f func(*Secret)) {
	st := s.store(place{account, region})
	st.mu.Lock()
	defer st.mu.Unlock()
	sec, _ := st.secret(name)
	f(sec)
}

// AddSecret makes a secret; an empty value makes one without any version.
func (s *Server) AddSecret(account, region, name, value string) {
	st := s.store(place{account, region})
	st.mu.Lock()
	defer st.mu.Unlock()
	_, _ = st.createSecret(s.clock(), input{Name: name, SecretString: value})
}

// Current is the value that readers get; nil if there is none.
func (sec *Secret) Current() *Version { return sec.staged(current) }

// Put adds a version and makes it the current one.
func (sec *Secret) Put(id, value string, now time.Time) *Version {
	v := &Version{ID: id, Value: value, Created: now}
	sec.Versions = append(sec.Versions, v)
	sec.move(current, v)
	return v
}

func (sec *Secret) staged(stage string) *Version {
	for _, v := range sec.Versions {
		if slices.Contains(v.Stages, stage) {
			return v
		}
	}
	return nil
}

func (sec *Secret) version(id string) *Version {
	for _, v := range sec.Versions {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// move attaches a label to v alone. Where AWSCURRENT was, AWSPREVIOUS goes.
func (sec *Secret) move(stage string, v *Version) {
	from := sec.staged(stage)
	if from == v {
		return
	}
	if from != nil {
		from.Stages = slices.DeleteFunc(from.Stages, func(s string) bool { return s == stage })
		if stage == current {
			sec.move(previous, from)
		}
	}
	if v != nil {
		v.Stages = append(v.Stages, stage)
	}
}

// secret finds one by name or by ARN.
func (st *store) secret(id string) (*Secret, error) {
	if sec, ok := st.secrets[id]; ok {
		return sec, nil
	}
	for _, sec := range st.secrets {
		if sec.ARN == id || strings.HasPrefix(id, "arn:") && sec.ARN[:len(sec.ARN)-7] == id {
			return sec, nil
		}
	}
	return nil, failed("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// usable is secret, unless it is scheduled for deletion.
func (st *store) usable(id string) (*Secret, error) {
	sec, err := st.secret(id)
	if err == nil && !sec.DeletedAt.IsZero() {
		return nil, failed("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return sec, err
}

func (st *store) createSecret(now time.Time, in input) (any, error) {
	if _, ok := st.secrets[in.Name]; ok {
		return nil, failed("ResourceExistsException", "The operation failed because the secret "+in.Name+" already exists.")
	}
	if in.Name == "" || len(in.SecretString) > maxSecret {
		return nil, failed("InvalidParameterException", "Invalid name or value.")
	}
	sec := &Secret{Name: in.Name, ARN: fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%s", st.region, st.account, in.Name, rand.Text()[:6])}
	st.secrets[in.Name] = sec
	out := map[string]any{"ARN": sec.ARN, "Name": sec.Name}
	if in.SecretString != "" {
		out["VersionId"] = sec.Put(token(in), in.SecretString, now).ID
	}
	return out, nil
}

func token(in input) string {
	if in.ClientRequestToken != "" {
		return in.ClientRequestToken
	}
	return requestID()
}

func (st *store) describeSecret(_ time.Time, in input) (any, error) {
	sec, err := st.secret(in.SecretId)
	if err != nil {
		return nil, err
	}
	stages := map[string][]string{}
	for _, v := range sec.Versions {
		if len(v.Stages) > 0 {
			stages[v.ID] = v.Stages
		}
	}
	out := map[string]any{"ARN": sec.ARN, "Name": sec.Name, "RotationEnabled": sec.RotationEnabled, "VersionIdsToStages": stages}
	if sec.OwningService != "" {
		out["OwningService"] = sec.OwningService
	}
	if !sec.DeletedAt.IsZero() {
		out["DeletedDate"] = seconds(sec.DeletedAt)
	}
	return out, nil
}

func (st *store) getSecretValue(_ time.Time, in input) (any, error) {
	sec, err := st.usable(in.SecretId)
	if err != nil {
		return nil, err
	}
	stage := in.VersionStage
	if stage == "" && in.VersionId == "" {
		stage = current
	}
	v := sec.version(in.VersionId)
	if in.VersionId == "" {
		v = sec.staged(stage)
	}
	if v == nil || stage != "" && !slices.Contains(v.Stages, stage) {
		return nil, failed("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: "+stage)
	}
	return map[string]any{
		"ARN": sec.ARN, "Name": sec.Name, "VersionId": v.ID, "SecretString": v.Value,
		"VersionStages": v.Stages, "CreatedDate": seconds(v.Created),
	}, nil
}

func (st *store) putSecretValue(now time.Time, in input) (any, error) {
	sec, err := st.usable(in.SecretId)
	if err != nil {
		return nil, err
	}
	if sec.OwningService != "" {
		return nil, failed("InvalidRequestException", "You can't perform this operation because the secret is managed by another service.")
	}
	if in.SecretString == "" || len(in.SecretString) > maxSecret {
		return nil, failed("InvalidParameterException", "You must provide a value of at most 65536 bytes.")
	}
	v := sec.version(token(in))
	switch {
	case v != nil && v.Value != in.SecretString:
		return nil, failed("ResourceExistsException", "You can't use ClientRequestToken because that value is already in use for a version of this secret.")
	case v == nil:
		v = &Version{ID: token(in), Value: in.SecretString, Created: now}
		stages := in.VersionStages
		if len(stages) == 0 || sec.staged(current) == nil && !slices.Contains(stages, current) {
			stages = append(slices.Clone(stages), current)
		}
		sec.Versions = append(sec.Versions, v)
		for _, stage := range stages {
			sec.move(stage, v)
		}
	}
	return map[string]any{"ARN": sec.ARN, "Name": sec.Name, "VersionId": v.ID, "VersionStages": v.Stages}, nil
}

func (st *store) updateSecretVersionStage(_ time.Time, in input) (any, error) {
	sec, err := st.usable(in.SecretId)
	if err != nil {
		return nil, err
	}
	holder, to := sec.staged(in.VersionStage), sec.version(in.MoveToVersionId)
	switch {
	case in.MoveToVersionId != "" && to == nil:
		return nil, failed("ResourceNotFoundException", "Secrets Manager can't find the specified secret version.")
	case holder == nil && in.RemoveFromVersionId != "":
		return nil, failed("InvalidParameterException", "The staging label is not attached to the version that RemoveFromVersionId names.")
	case holder != nil && holder != to && holder.ID != in.RemoveFromVersionId:
		return nil, failed("InvalidParameterException", "The parameter RemoveFromVersionId can't be empty. Staging label "+in.VersionStage+" is currently attached to version "+holder.ID+", so you must explicitly reference that version in RemoveFromVersionId.")
	case to == nil && in.VersionStage == current:
		return nil, failed("InvalidParameterException", "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	}
	sec.move(in.VersionStage, to)
	return map[string]any{"ARN": sec.ARN, "Name": sec.Name}, nil
}

func (st *store) deleteSecret(now time.Time, in input) (any, error) {
	sec, err := st.secret(in.SecretId)
	if err != nil {
		return nil, err
	}
	sec.DeletedAt = now
	if in.ForceDeleteWithoutRecovery {
		delete(st.secrets, sec.Name)
	}
	return map[string]any{"ARN": sec.ARN, "Name": sec.Name, "DeletionDate": seconds(now)}, nil
}

func (st *store) restoreSecret(_ time.Time, in input) (any, error) {
	sec, err := st.secret(in.SecretId)
	if err != nil {
		return nil, err
	}
	sec.DeletedAt = time.Time{}
	return map[string]any{"ARN": sec.ARN, "Name": sec.Name}, nil
}
