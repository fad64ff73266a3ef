package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
)

func (h *host) sinksCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sinks [KIND]",
		Short: "Lists the kinds of sink, or prints the reference of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: action(func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return h.sinkPage(args[0])
			}
			t := tabwriter.NewWriter(h.stdout, 2, 8, 2, ' ', 0)
			fmt.Fprintln(t, "KIND\tWRITES\tBEST EVIDENCE\tVERIFIED AGAINST")
			for _, s := range app.Kinds() {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Kind, s.Summary, s.Best, s.Verified)
			}
			return t.Flush()
		}),
	}
}

func (h *host) sinkPage(kind string) error {
	var names []string
	for _, s := range app.Kinds() {
		if s.Kind == kind {
			_, err := fmt.Fprint(h.stdout, app.SinkPage(s))
			return err
		}
		names = append(names, s.Kind)
	}
	return usagef("sinks: no kind %q in this version; there are %s", kind, strings.Join(names, ", "))
}
