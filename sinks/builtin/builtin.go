// Package builtin lists the kinds of sink that this program holds.
package builtin

import (
	"keyturn/sinks"
	"keyturn/sinks/exec"
	"keyturn/sinks/file"
	"keyturn/sinks/secretsmanager"
	"keyturn/sinks/ssm"
	"keyturn/sinks/vault"
)

// All kinds. A new one is a folder below sinks and a line here.
var All = []sinks.Spec{
	vault.Spec,
	file.Spec,
	exec.Spec,
	secretsmanager.Spec,
	ssm.Spec,
}
