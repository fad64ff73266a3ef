//go:build e2e

package e2e

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestSecretsManagerAndParameterStoreServeThePair(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.admin.grant("keyturn-rotator", "secretsmanager.json")
	w.admin.grant("keyturn-rotator", "ssm.json")
	secrets, parameters := secretsmanager.NewFromConfig(w.admin.config), ssm.NewFromConfig(w.admin.config)
	_, err := secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("ci/ci-bot"), SecretString: aws.String(`{"REGION":"eu-west-1"}`),
	})
	w.must(err)
	_, err = parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/ci/ci-bot"), Value: aws.String(`{"REGION":"eu-west-1"}`), Type: types.ParameterTypeSecureString,
	})
	w.must(err)
	w.configure(config{
		sinks: `  secret: { secretsmanager: { secret_id: "ci/${robot}" } }
  parameter: { ssm: { name: "/ci/${robot}" } }
`,
		robots: "  ci-bot: { sinks: [secret, parameter] }\n",
	})

	w.keyturn("rotate", "--now", "ci-bot").exits(0)

	fresh := w.newKeyOf("ci-bot", old)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	// AWSCURRENT is what a reader gets who names no version. moto overlooks that when the label was moved.
	secret, err := secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{
		SecretId: aws.String("ci/ci-bot"), VersionStage: aws.String("AWSCURRENT"),
	})
	w.must(err)
	parameter, err := parameters.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/ci/ci-bot"), WithDecryption: aws.Bool(true)})
	w.must(err)
	for name, text := range map[string]string{"the secret": *secret.SecretString, "the parameter": *parameter.Parameter.Value} {
		var data map[string]any
		w.must(json.Unmarshal([]byte(text), &data))
		if p := pairOf(data); p.ID != fresh || data["REGION"] != "eu-west-1" {
			t.Errorf("%s serves %q, want %s", name, p.ID, fresh)
		} else {
			w.signsAs("ci-bot", p)
		}
	}
}

// grant gives a user one more of the shipped policies.
func (a account) grant(user, file string) {
	a.w.Helper()
	policy := a.w.shippedPolicy(file)
	_, err := a.iam.PutUserPolicy(a.w.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: &file, PolicyDocument: &policy})
	a.w.must(err)
}

func TestCheckNamesTheRightThatAnAWSStoreLacks(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	secrets, parameters := secretsmanager.NewFromConfig(w.admin.config), ssm.NewFromConfig(w.admin.config)
	_, err := secrets.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("ci/ci-bot"), SecretString: aws.String(`{}`)})
	w.must(err)
	_, err = parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/ci/ci-bot"), Value: aws.String(`{}`), Type: types.ParameterTypeSecureString,
	})
	w.must(err)
	w.configure(config{
		sinks: `  secret: { secretsmanager: { secret_id: "ci/${robot}" } }
  parameter: { ssm: { name: "/ci/${robot}" } }
`,
		robots: "  ci-bot: { sinks: [secret, parameter] }\n",
	})
	for action, file := range map[string]string{
		"secretsmanager:DescribeSecret":           "secretsmanager.json",
		"secretsmanager:GetSecretValue":           "secretsmanager.json",
		"secretsmanager:PutSecretValue":           "secretsmanager.json",
		"secretsmanager:UpdateSecretVersionStage": "secretsmanager.json",
		"ssm:GetParameter":                        "ssm.json",
		"ssm:PutParameter":                        "ssm.json",
	} {
		w.admin.grant("keyturn-rotator", "secretsmanager.json")
		w.admin.grant("keyturn-rotator", "ssm.json")
		w.keyturn("check", "ci-bot").exits(0)
		w.admin.grantWithout("keyturn-rotator", file, action)
		w.keyturn("check", "ci-bot").exits(1).says("AccessDeniedException", "is not authorized to perform: "+action+"\n")
		w.keyturn("rotate", "--now", "ci-bot").exits(1).says("is not authorized to perform: " + action + "\n")
	}
	w.hasKeys("ci-bot", keys{old.ID: "Active"})
	if n := w.changes(); n != 0 {
		t.Errorf("%d changes were made", n)
	}
}

// grantWithout gives a user one of the shipped policies again, without one of its actions.
func (a account) grantWithout(user, file, action string) {
	a.w.Helper()
	policy := strings.Replace(a.w.shippedPolicy(file), strconv.Quote(action), `"sts:GetCallerIdentity"`, 1)
	_, err := a.iam.PutUserPolicy(a.w.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: &file, PolicyDocument: &policy})
	a.w.must(err)
}
