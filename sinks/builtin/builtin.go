// Package builtin lists the kinds of sink that this program holds.
package builtin

import (
	"keyturn/sinks"
	"keyturn/sinks/azuredevops"
	"keyturn/sinks/bitbucket"
	"keyturn/sinks/buildkite"
	"keyturn/sinks/circleci"
	"keyturn/sinks/drone"
	"keyturn/sinks/exec"
	"keyturn/sinks/file"
	"keyturn/sinks/gitea"
	"keyturn/sinks/github"
	"keyturn/sinks/gitlab"
	"keyturn/sinks/hcpterraform"
	"keyturn/sinks/hoop"
	"keyturn/sinks/jenkins"
	"keyturn/sinks/kubernetes"
	"keyturn/sinks/pulumideployments"
	"keyturn/sinks/pulumiesc"
	"keyturn/sinks/secretsmanager"
	"keyturn/sinks/ssm"
	"keyturn/sinks/travis"
	"keyturn/sinks/vault"
	"keyturn/sinks/vaultawsroot"
	"keyturn/sinks/webhook"
	"keyturn/sinks/woodpecker"
)

// All kinds. A new one is a folder below sinks and a line here.
var All = []sinks.Spec{
	vault.Spec,
	vaultawsroot.Spec,
	file.Spec,
	exec.Spec,
	webhook.Spec,
	secretsmanager.Spec,
	ssm.Spec,
	github.Spec,
	gitlab.Spec,
	circleci.Spec,
	buildkite.Spec,
	travis.Spec,
	gitea.Spec,
	woodpecker.Spec,
	drone.Spec,
	hoop.Spec,
	kubernetes.Spec,
	jenkins.Spec,
	pulumiesc.Spec,
	pulumideployments.Spec,
	azuredevops.Spec,
	hcpterraform.Spec,
	bitbucket.Spec,
}
