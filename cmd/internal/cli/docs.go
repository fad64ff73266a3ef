package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// docsCommand prints docs/commands.md. It is for the makers of keyturn.
func (h *host) docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(h.stdout, reference(cmd.Root()))
			return err
		}),
	}
}

const preface = `# Commands

<!-- Written by go run ./internal/docgen. Do not edit. -->

Results go to stdout, logs and errors to stderr.

| exit code | meaning |
| --- | --- |
| 0 | done, nothing to do, or verified with retirement pending |
| 1 | failed or refused, nothing was changed (a failed check too) |
| 2 | wrong usage or configuration, nothing was contacted |
| 3 | unfinished: journalled, run it again (also: somebody else holds the claim) |
| 4 | held: an operator must decide; see [runbook.md](runbook.md) |

Several robots: 4 before 3 before 1.

## Global flags

`

const documents = `
## The documents of -o json

One document is printed, whatever the exit code, except 2.

rotate, restore, resolve and history:

    {"rotations": [{"id", "robot", "user", "account", "trigger", "step", "reason", "old_key_id", "new_key_id",
      "sinks": [{"name", "kind", "required", "state", "evidence", "error"}],
      "hold": {"code", "message", "resolve"}, "started_at", "finished_at", "next_at"}]}

status, plan and check:

    {"robots": [{"robot", "user", "account", "keys": [{"id", "status", "created_at", "last_used_at", "role"}], "step",
      "sinks": [{"name", "kind", "required", "state", "evidence", "error", "serving"}],
      "hold", "next_at", "plan": [], "problems": [], "warnings": []}]}

Times are RFC 3339 in UTC; a time that is not known is left out. ` + "`hold`" + ` is null if nothing is held. Fields are only added.
`

// reference describes the tree of commands.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(preface)
	flags(&b, root.PersistentFlags().FlagUsagesWrapped(110))
	for _, c := range root.Commands() {
		describe(&b, c)
	}
	b.WriteString(documents)
	return b.String()
}

func describe(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	if c.HasSubCommands() {
		for _, sub := range c.Commands() {
			describe(b, sub)
		}
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	b.WriteString(text + "\n")
	if c.HasAvailableLocalFlags() {
		b.WriteString("\n")
		flags(b, c.LocalNonPersistentFlags().FlagUsagesWrapped(110))
	}
}

// flags indents the usages, so that Markdown shows them as they are.
func flags(b *strings.Builder, usages string) {
	for line := range strings.Lines(usages) {
		b.WriteString("    " + strings.TrimPrefix(line, "  "))
	}
}
