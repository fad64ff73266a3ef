package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyturn/rotator"
)

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("output", "o", "text", "`format` of the result: text or json")
}

func checkOutput(format string) error {
	if format != "text" && format != "json" {
		return usagef("-o: text or json")
	}
	return nil
}

// The documents of -o json.
type (
	rotationsDocument struct {
		Rotations []rotator.Rotation `json:"rotations"`
	}
	robotsDocument struct {
		Robots []rotator.Report `json:"robots"`
	}
)

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// listRotation makes empty lists [] and not null.
func listRotation(r rotator.Rotation) rotator.Rotation {
	if r.Sinks == nil {
		r.Sinks = []rotator.SinkStatus{}
	}
	return r
}

// listReport makes empty lists [] and not null.
func listReport(r rotator.Report) rotator.Report {
	if r.Keys == nil {
		r.Keys = []rotator.KeyReport{}
	}
	if r.Sinks == nil {
		r.Sinks = []rotator.SinkReport{}
	}
	return r
}
