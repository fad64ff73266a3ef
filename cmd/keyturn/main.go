// Keyturn rotates the access keys of AWS IAM users without an outage.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"keyturn/cmd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	// A limit on the size of files must not kill the process between CreateAccessKey and the journal: the write fails instead.
	signal.Ignore(syscall.SIGXFSZ)
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
