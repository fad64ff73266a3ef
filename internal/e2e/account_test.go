//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// pair is an access key with its secret.
type pair struct{ ID, Secret string }

// account is the emulated AWS account as its administrator sees it.
type account struct {
	w      *world
	pair   pair
	config aws.Config // signs as the administrator
	iam    *iam.Client
}

func (w *world) accountOf(p pair) account {
	c := w.awsConfig(p)
	return account{w: w, pair: p, config: c, iam: iam.NewFromConfig(c)}
}

// newAccount spends the calls that moto answers before it asks who is calling.
func newAccount(w *world) account {
	nobody := pair{"AKIANOBODY0000000000", "none"}
	w.iam.Trust(nobody.ID)
	free := w.accountOf(nobody)
	admin := free.user("admin", "/", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	w.iam.Trust(admin.ID)
	return w.accountOf(admin)
}

func (w *world) awsConfig(p pair) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(w.iam.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(p.ID, p.Secret, ""),
	}
}

// user makes a user with an inline policy, if there is one, and a key.
func (a account) user(name, path, policy string) pair {
	a.w.Helper()
	_, err := a.iam.CreateUser(a.w.Context(), &iam.CreateUserInput{UserName: &name, Path: &path})
	a.w.must(err)
	if policy != "" {
		_, err = a.iam.PutUserPolicy(a.w.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: &name, PolicyDocument: &policy})
		a.w.must(err)
	}
	return a.newKey(name)
}

func (a account) newKey(user string) pair {
	a.w.Helper()
	out, err := a.iam.CreateAccessKey(a.w.Context(), &iam.CreateAccessKeyInput{UserName: &user})
	a.w.must(err)
	return pair{*out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey}
}

func (a account) deleteKey(user string, p pair) {
	a.w.Helper()
	_, err := a.iam.DeleteAccessKey(a.w.Context(), &iam.DeleteAccessKeyInput{UserName: &user, AccessKeyId: &p.ID})
	a.w.must(err)
}

func (a account) tag(user, key, value string) {
	a.w.Helper()
	_, err := a.iam.TagUser(a.w.Context(), &iam.TagUserInput{UserName: &user, Tags: []types.Tag{{Key: &key, Value: &value}}})
	a.w.must(err)
}

// rotator is the identity that keyturn runs with. It has what the project ships, and no more.
func (a account) rotator() pair {
	a.w.Helper()
	return a.user("keyturn-rotator", "/", a.w.shippedPolicy("rotator.json"))
}

// shippedPolicy is a policy of deploy/iam without what moto cannot judge: it denies every Resource other than "*".
func (w *world) shippedPolicy(file string) string {
	w.Helper()
	b, err := os.ReadFile("../../deploy/iam/" + file)
	w.must(err)
	var doc map[string]any
	w.must(json.Unmarshal(b, &doc))
	for _, s := range doc["Statement"].([]any) {
		s.(map[string]any)["Resource"] = "*"
	}
	b, err = json.Marshal(doc)
	w.must(err)
	return string(b)
}

// robot makes an IAM user that has one key.
func (w *world) robot(name string) pair {
	w.Helper()
	return w.admin.user(name, "/robots/", "")
}

// keys is the status by id.
type keys map[string]string

func (w *world) keysOf(user string) keys {
	w.Helper()
	out, err := w.admin.iam.ListAccessKeys(w.Context(), &iam.ListAccessKeysInput{UserName: &user})
	w.must(err)
	k := keys{}
	for _, m := range out.AccessKeyMetadata {
		k[*m.AccessKeyId] = string(m.Status)
	}
	return k
}

// hasKeys fails unless the user has exactly these keys, each "Active" or "Inactive".
func (w *world) hasKeys(user string, want keys) {
	w.Helper()
	if got := w.keysOf(user); !maps.Equal(got, want) {
		w.Errorf("%s has the keys %v, want %v", user, got, want)
	}
}

// newKeyOf is the one Active key of the user that is none of the old ones.
func (w *world) newKeyOf(user string, old ...pair) string {
	w.Helper()
	var found []string
	for id, status := range w.keysOf(user) {
		if status == "Active" && !slices.ContainsFunc(old, func(p pair) bool { return p.ID == id }) {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		w.Fatalf("%s has the new keys %v, want one", user, found)
	}
	return found[0]
}

// caller is who signs with p, or the error of the attempt.
func (w *world) caller(p pair) (string, error) {
	out, err := sts.NewFromConfig(w.awsConfig(p)).GetCallerIdentity(w.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

// signsAs fails unless p works and belongs to the user.
func (w *world) signsAs(user string, p pair) {
	w.Helper()
	if arn, err := w.caller(p); err != nil || !strings.HasSuffix(arn, "/"+user) {
		w.Errorf("%s signs as %q (%v), want %s", p.ID, arn, err, user)
	}
}

// changes is how many calls have changed something. `keyturn check` proves its permissions by calls that cannot.
func (w *world) changes() int {
	n := 0
	for _, c := range w.iam.Calls("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "TagUser") {
		if c.Forwarded && c.Code == "" {
			n++
		}
	}
	return n
}
