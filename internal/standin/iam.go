package standin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// actions are all that are known.
var actions = map[string]action{
	"GetCallerIdentity":        {"sts", getCallerIdentity},
	"AssumeRole":               {"sts", assumeRole},
	"GetUser":                  {"iam", ofUser(getUser)},
	"TagUser":                  {"iam", ofUser(tagUser)},
	"ListUsers":                {"iam", listUsers},
	"ListAccessKeys":           {"iam", ofUser(listAccessKeys)},
	"CreateAccessKey":          {"iam", ofUser(createAccessKey)},
	"UpdateAccessKey":          {"iam", ofUser(updateAccessKey)},
	"DeleteAccessKey":          {"iam", ofUser(deleteAccessKey)},
	"GetAccessKeyLastUsed":     {"iam", getAccessKeyLastUsed},
	"ListAttachedUserPolicies": {"iam", ofUser(listAttachedUserPolicies)},
	"DetachUserPolicy":         {"iam", ofUser(detachUserPolicy)},
}

type do = func(s *Server, r *http.Request, c caller, p url.Values) (string, error)

// ofUser refuses a call that names no user. AWS would take the user of the signing key, if it is one.
func ofUser(f do) do {
	return func(s *Server, r *http.Request, c caller, p url.Values) (string, error) {
		if p.Get("UserName") == "" {
			return "", invalid("Must specify userName when calling with non-User credentials")
		}
		return f(s, r, c, p)
	}
}

func getUser(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	u, err := c.account.GetUser(r.Context(), c.key, p.Get("UserName"))
	if err != nil {
		return "", err
	}
	tags := ""
	for k, v := range u.Tags {
		tags += el("member", leaf("Key", k), leaf("Value", v))
	}
	if tags != "" {
		tags = el("Tags", tags)
	}
	return el("User", user(u.User), tags), nil
}

func user(u rotator.User) string {
	return leaf("Path", u.Path) + leaf("UserName", u.Name) + leaf("UserId", u.ID) + leaf("Arn", u.ARN) +
		leaf("CreateDate", "2020-01-01T00:00:00Z")
}

func tagUser(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	tags := map[string]string{}
	for i := 1; p.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
		tags[p.Get(fmt.Sprintf("Tags.member.%d.Key", i))] = p.Get(fmt.Sprintf("Tags.member.%d.Value", i))
	}
	if len(tags) == 0 {
		return "", invalid("Tags must not be empty")
	}
	return "", c.account.TagUser(r.Context(), c.key, p.Get("UserName"), tags)
}

func listUsers(s *Server, r *http.Request, c caller, p url.Values) (string, error) {
	users, err := c.account.ListUsers(r.Context(), c.key, p.Get("PathPrefix"))
	if err != nil {
		return "", err
	}
	members := make([]string, 0, len(users))
	for _, u := range users {
		members = append(members, user(u))
	}
	return s.paged(p, "Users", members)
}

func listAccessKeys(s *Server, r *http.Request, c caller, p url.Values) (string, error) {
	name := p.Get("UserName")
	keys, err := c.account.ListAccessKeys(r.Context(), c.key, name)
	if err != nil {
		return "", err
	}
	members := make([]string, 0, len(keys))
	for _, k := range keys {
		members = append(members, leaf("UserName", name)+leaf("AccessKeyId", string(k.ID))+
			leaf("Status", string(k.Status))+leaf("CreateDate", date(k.CreatedAt)))
	}
	return s.paged(p, "AccessKeyMetadata", members)
}

func createAccessKey(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	name := p.Get("UserName")
	k, text, err := c.account.CreateAccessKey(r.Context(), c.key, name)
	if err != nil && !errors.Is(err, rotatortest.ErrTruncated) {
		return "", err
	}
	start := leaf("UserName", name) + leaf("AccessKeyId", string(k.ID)) + leaf("Status", string(k.Status))
	if err != nil { // the answer breaks off within the secret
		made, _, _ := c.account.Pair(k.ID)
		return "<AccessKey>" + start + "<SecretAccessKey>" + made.Reveal()[:20], err
	}
	return el("AccessKey", start, leaf("SecretAccessKey", text.Reveal()), leaf("CreateDate", date(k.CreatedAt))), nil
}

func updateAccessKey(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	status := rotator.KeyStatus(p.Get("Status"))
	if status != rotator.Active && status != rotator.Inactive {
		return "", invalid("Status must be Active or Inactive")
	}
	return "", c.account.UpdateAccessKey(r.Context(), c.key, p.Get("UserName"), rotator.KeyID(p.Get("AccessKeyId")), status)
}

func deleteAccessKey(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	return "", c.account.DeleteAccessKey(r.Context(), c.key, p.Get("UserName"), rotator.KeyID(p.Get("AccessKeyId")))
}

func getAccessKeyLastUsed(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	use, err := c.account.GetAccessKeyLastUsed(r.Context(), c.key, rotator.KeyID(p.Get("AccessKeyId")))
	if err != nil {
		return "", err
	}
	at := ""
	if use.At.IsZero() {
		use.Service, use.Region = "N/A", "N/A"
	} else {
		at = leaf("LastUsedDate", date(use.At))
	}
	return leaf("UserName", use.User) + el("AccessKeyLastUsed", leaf("Region", use.Region), at, leaf("ServiceName", use.Service)), nil
}

func listAttachedUserPolicies(s *Server, r *http.Request, c caller, p url.Values) (string, error) {
	arns, err := c.account.ListAttachedUserPolicies(r.Context(), c.key, p.Get("UserName"))
	if err != nil {
		return "", err
	}
	members := make([]string, 0, len(arns))
	for _, arn := range arns {
		members = append(members, leaf("PolicyName", arn[strings.LastIndex(arn, "/")+1:])+leaf("PolicyArn", arn))
	}
	return s.paged(p, "AttachedPolicies", members)
}

func detachUserPolicy(_ *Server, r *http.Request, c caller, p url.Values) (string, error) {
	return "", c.account.DetachUserPolicy(r.Context(), c.key, p.Get("UserName"), p.Get("PolicyArn"))
}
