package cli

import (
	"github.com/spf13/cobra"

	"keyturn/internal/app"
	"keyturn/rotator"
)

func (h *host) resolveCommand() *cobra.Command {
	var retry, abandon bool
	var keep, remove, sink, reason string
	cmd := &cobra.Command{
		Use:   "resolve ROBOT",
		Short: "Decides about a rotation that is held",
		Args:  cobra.ExactArgs(1),
	}
	f := cmd.Flags()
	f.BoolVar(&retry, "retry", false, "what stood in the way is gone: go on")
	f.StringVar(&keep, "keep", "", "this `keyid` is the one in use; the other may be retired")
	f.StringVar(&remove, "delete", "", "this `keyid` may be deactivated, soaked and deleted")
	f.StringVar(&sink, "drop-sink", "", "go on without the sink of this `name`")
	f.BoolVar(&abandon, "abandon", false, "end the rotation where it is")
	f.StringVar(&reason, "reason", "", "`text` for the journal; needed")
	output := outputFlag(cmd)
	cmd.RunE = action(func(cmd *cobra.Command, args []string) error {
		var chosen []rotator.Resolved
		add := func(ok bool, r rotator.Resolved) {
			if ok {
				chosen = append(chosen, r)
			}
		}
		add(retry, rotator.Resolved{Action: rotator.ResolveRetry})
		add(keep != "", rotator.Resolved{Action: rotator.ResolveKeep, Key: rotator.KeyID(keep)})
		add(remove != "", rotator.Resolved{Action: rotator.ResolveDelete, Key: rotator.KeyID(remove)})
		add(sink != "", rotator.Resolved{Action: rotator.ResolveDropSink, Sink: sink})
		add(abandon, rotator.Resolved{Action: rotator.ResolveAbandon})
		switch {
		case len(chosen) != 1:
			return usagef("resolve: exactly one of --retry, --keep, --delete, --drop-sink and --abandon")
		case reason == "":
			return usagef("resolve: --reason is needed: the journal keeps it")
		}
		chosen[0].Reason = reason
		return h.operate(cmd, args, *output, func(a *app.App, p progress) app.Result {
			return a.Resolve(cmd.Context(), args[0], chosen[0], p.event)
		})
	})
	return cmd
}
