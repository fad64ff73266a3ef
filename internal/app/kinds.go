package app

import (
	"context"
	"fmt"
	"io"
	"strings"

	"keyturn/config"
	"keyturn/sinks"
	"keyturn/sinks/builtin"
	"keyturn/sinks/exec"
)

// Kinds are the kinds of sink there are.
func Kinds() []sinks.Spec { return builtin.All }

// SinkPage is the reference of a kind in Markdown: its manual, and its keys.
func SinkPage(s sinks.Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Sink %s\n\n", s.Kind)
	b.WriteString(manual(s.Doc))
	fmt.Fprintf(&b, "\n## Keys\n\n%s\nBest evidence: `%s`. Verified against: %s.\n",
		FieldTable(config.ReferenceOf(s.New())), s.Best, strings.TrimSuffix(s.Verified, "."))
	return b.String()
}

// manual turns a package comment into Markdown: without "Package name", and headings one level down. Examples are
// indented by tabs already.
func manual(doc string) string {
	if rest, ok := strings.CutPrefix(doc, "Package "); ok {
		_, rest, _ = strings.Cut(rest, " ")
		doc = strings.ToUpper(rest[:min(1, len(rest))]) + rest[min(1, len(rest)):]
	}
	var b strings.Builder
	verified := false // inside the paragraph that is said below the keys
	for line := range strings.Lines(doc) {
		verified = strings.HasPrefix(line, "Verified against: ") || verified && strings.TrimSpace(line) != ""
		switch {
		case verified:
			continue
		case strings.HasPrefix(line, "# "):
			line = "#" + line
		}
		b.WriteString(line)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// FieldTable lists keys of the configuration as a Markdown table.
func FieldTable(fields []config.Field) string {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, f := range fields {
		def := ""
		if f.Default != "" {
			def = "`" + f.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Path, f.Type, def, strings.ReplaceAll(f.Doc, "|", "\\|"))
	}
	return b.String()
}

// Conformance runs the suite that every kind of sink runs against a plugin, and reports to w. config is what the plugin
// gets as its configuration.
func Conformance(ctx context.Context, command []string, config map[string]string, w io.Writer) error {
	if _, failed := exec.Conformance(ctx, command, config, w); failed > 0 {
		return fmt.Errorf("sinktest: %d checks failed", failed)
	}
	return nil
}
