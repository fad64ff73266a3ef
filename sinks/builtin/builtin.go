// Package builtin lists the kinds of sink that this program holds.
package builtin

import (
	"keyturn/sinks"
	"keyturn/sinks/drone"
	"keyturn/sinks/exec"
	"keyturn/sinks/file"
	"keyturn/sinks/gitea"
	"keyturn/sinks/github"
	"keyturn/sinks/gitlab"
	"keyturn/sinks/kubernetes"
	"keyturn/sinks/pulumiesc"
	"keyturn/sinks/secretsmanager"
	"keyturn/sinks/ssm"
	"keyturn/sinks/vault"
	"keyturn/sinks/woodpecker"
)

// All kinds. A new one is a folder below sinks and a line here.
var All = []sinks.Spec{
	vault.Spec,
	file.Spec,
	exec.Spec,
	secretsmanager.Spec,
	ssm.Spec,
	github.Spec,
	gitlab.Spec,
	gitea.Spec,
	woodpecker.Spec,
	drone.Spec,
	kubernetes.Spec,
	pulumiesc.Spec,
}
