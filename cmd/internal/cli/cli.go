// Package cli is keyturn's command line: one file per command.
//
// Results go to stdout, logs and errors to stderr. Exit codes are a contract; exit.go lists them.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"keyturn/internal/app"
	"keyturn/internal/hardening"
)

// Main runs one command and returns its exit code. Cancelling ctx ends it gracefully.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	h := &host{stdout: stdout, stderr: newPen(stderr)}
	root := h.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(h.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(h.stderr, "keyturn: %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	return exitCode(err)
}

// Root is the tree of commands, for whoever documents it.
func Root() *cobra.Command {
	h := &host{stdout: io.Discard, stderr: newPen(io.Discard)}
	return h.root()
}

// host is what the commands share: where they write, and the global flags.
type host struct {
	stdout io.Writer
	stderr *pen

	config     string
	server     string
	logLevel   string
	logFormat  string
	allowDebug bool

	log *zap.Logger
}

func (h *host) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "keyturn",
		Short:             "Rotates the access keys of AWS IAM users without an outage",
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return h.prepare() },
	}
	f := root.PersistentFlags()
	f.StringVar(&h.config, "config", "", "configuration `file` (KEYTURN_CONFIG; default keyturn.yaml, then /etc/keyturn/keyturn.yaml)")
	f.StringVar(&h.server, "server", "", "`url` of a running daemon to ask (KEYTURN_SERVER; not in this version)")
	f.StringVar(&h.logLevel, "log-level", "error", "lowest `level` that is logged to stderr: debug, info, warn or error")
	f.StringVar(&h.logFormat, "log-format", "text", "`format` of the log: text or json")
	f.BoolVar(&h.allowDebug, "allow-debug", false, "leave the process open to debuggers and core dumps, with every secret it holds")
	root.AddCommand(
		h.rotateCommand(), h.planCommand(), h.statusCommand(), h.historyCommand(), h.checkCommand(),
		h.restoreCommand(), h.resolveCommand(), h.sinksCommand(), h.sinktestCommand(), h.sealCommand(),
		h.journalCommand(), h.initCommand(), h.demoCommand(), h.versionCommand(), h.docsCommand(),
		unbuilt("serve", "Runs as a daemon"),
		unbuilt("leak KEYID...", "Treats keys as leaked"),
		unbuilt("audit", "Reports drift"),
	)
	return root
}

// noCommand refuses what is not the name of a command, with the nearest one.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	msg := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		msg += ", did you mean " + near[0]
	}
	return usagef("%s", msg)
}

// prepare runs before every command, and so before any secret is read.
func (h *host) prepare() error {
	log, err := newLog(h.stderr, h.logLevel, h.logFormat)
	if err != nil {
		return err
	}
	h.log = log
	if !h.allowDebug {
		if err := hardening.Process(); err != nil {
			h.log.Warn("the process is not fully hardened", zap.Error(err))
		}
	}
	if h.server != "" {
		return notYet("--server")
	}
	return nil
}

// open makes the app with what the configuration says.
func (h *host) open(ctx context.Context, access app.Access) (*app.App, error) {
	if os.Getenv("KEYTURN_SERVER") != "" {
		return nil, notYet("KEYTURN_SERVER")
	}
	a, err := app.Open(ctx, app.Options{Config: h.config, Access: access, Log: h.log, Version: Version()})
	if err != nil {
		return nil, err
	}
	for _, w := range a.Warnings {
		fmt.Fprintf(h.stderr, "keyturn: warning: %s\n", w)
	}
	return a, nil
}
