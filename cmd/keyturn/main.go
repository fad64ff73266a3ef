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
	os.Exit(cli.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
