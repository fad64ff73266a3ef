package standin

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

func TestSecretsManagerMovesItsLabels(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c, id := secretsmanager.NewFromConfig(w.own), aws.String("ci/bot")
	_, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: id})
	code(t, err, "ResourceNotFoundException", 400)
	made, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: id, SecretString: aws.String("one")})
	if err != nil {
		t.Fatal(err)
	}
	first, second := *made.VersionId, "00000000-0000-0000-0000-000000000002"
	put := &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: aws.String("two"), ClientRequestToken: &second, VersionStages: []string{"AWSPENDING"}}
	for range 2 { // the same token and value: nothing happens
		if _, err := c.PutSecretValue(ctx, put); err != nil {
			t.Fatal(err)
		}
	}
	other := *put
	other.SecretString = aws.String("three")
	_, err = c.PutSecretValue(ctx, &other)
	code(t, err, "ResourceExistsException", 400)

	value := func(in secretsmanager.GetSecretValueInput) string {
		t.Helper()
		in.SecretId = id
		out, err := c.GetSecretValue(ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		return *out.SecretString
	}
	if got := value(secretsmanager.GetSecretValueInput{}); got != "one" {
		t.Errorf("current is %q", got)
	}
	move := &secretsmanager.UpdateSecretVersionStageInput{SecretId: id, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &second, RemoveFromVersionId: &second}
	_, err = c.UpdateSecretVersionStage(ctx, move)
	code(t, err, "InvalidParameterException", 400)
	move.RemoveFromVersionId = &first
	if _, err := c.UpdateSecretVersionStage(ctx, move); err != nil {
		t.Fatal(err)
	}
	if a, b, c := value(secretsmanager.GetSecretValueInput{}), value(secretsmanager.GetSecretValueInput{VersionStage: aws.String("AWSPREVIOUS")}),
		value(secretsmanager.GetSecretValueInput{VersionId: &first}); a != "two" || b != "one" || c != "one" {
		t.Errorf("current %q, previous %q, the first %q", a, b, c)
	}
	if _, err := c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id})
	code(t, err, "InvalidRequestException", 400)
	d, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: id})
	if err != nil || d.DeletedDate == nil || len(d.VersionIdsToStages) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestParameterStoreCountsVersions(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c, name := ssm.NewFromConfig(w.own), aws.String("/ci/bot")
	_, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: name})
	code(t, err, "ParameterNotFound", 400)
	put := &ssm.PutParameterInput{Name: name, Value: aws.String("one"), Type: ssmtypes.ParameterTypeSecureString}
	if out, err := c.PutParameter(ctx, put); err != nil || out.Version != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = c.PutParameter(ctx, put)
	var exists *ssmtypes.ParameterAlreadyExists
	if !errors.As(err, &exists) {
		t.Fatalf("a second put: %v", err)
	}
	put.Overwrite, put.Value = aws.Bool(true), aws.String("two")
	if out, err := c.PutParameter(ctx, put); err != nil || out.Version != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	got, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	if err != nil || *got.Parameter.Value != "two" || got.Parameter.Version != 2 || got.Parameter.LastModifiedDate == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: name}); err != nil || *got.Parameter.Value == "two" {
		t.Errorf("without decryption: %v", err)
	}
	if got, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/ci/bot:1"), WithDecryption: aws.Bool(true)}); err != nil || *got.Parameter.Value != "one" {
		t.Errorf("the first version: %v", err)
	}
	put.Type = ssmtypes.ParameterTypeString
	_, err = c.PutParameter(ctx, put)
	code(t, err, "HierarchyTypeMismatchException", 400)
	list, err := c.DescribeParameters(ctx, &ssm.DescribeParametersInput{ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Name"), Values: []string{"/ci/bot"}}}})
	if err != nil || len(list.Parameters) != 1 || *list.Parameters[0].KeyId != "alias/aws/ssm" || list.Parameters[0].Tier != ssmtypes.ParameterTierStandard {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestStoresRefuseKeysAndHaveFaults(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c, in := ssm.NewFromConfig(w.robot), &ssm.GetParameterInput{Name: aws.String("/p")}
	w.StoreFault = func(c rotatortest.Call) rotatortest.Fault {
		if c.Op != "GetParameter" || c.User != "/p" {
			return rotatortest.None
		}
		return map[int]rotatortest.Fault{1: rotatortest.Throttle, 2: rotatortest.Denied, 3: rotatortest.FailBefore, 4: rotatortest.Unreachable}[c.N]
	}
	for _, want := range []string{"ThrottlingException", "AccessDeniedException"} {
		_, err := c.GetParameter(ctx, in)
		code(t, err, want, 400)
	}
	_, err := c.GetParameter(ctx, in)
	code(t, err, "InternalServiceError", 500)
	if _, err = c.GetParameter(ctx, in); err == nil {
		t.Error("no connection, and no error")
	}
	_, err = c.GetParameter(ctx, in)
	code(t, err, "ParameterNotFound", 400)
	if use, err := w.model.GetAccessKeyLastUsed(ctx, "", w.robotKey); err != nil || use.Service != "ssm" || use.Region != "eu-central-1" {
		t.Errorf("last use: %+v, %v", use, err)
	}
	w.model.SetStatus(w.robotKey, rotator.Inactive)
	_, err = c.GetParameter(ctx, in)
	code(t, err, "UnrecognizedClientException", 400)
	_, err = ssm.NewFromConfig(w.with(string(w.robotKey), "wrong")).GetParameter(ctx, in)
	code(t, err, "InvalidSignatureException", 400)
}
