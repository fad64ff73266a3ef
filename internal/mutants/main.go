// Mutants plants known mistakes in the rotator, one at a time, and shows that the tests catch each. A mistake that
// survives is a promise that nothing checks: it exits non-zero then.
//
//	go run ./internal/mutants [-only REGEXP]
//
// The checkout is not touched: what is tested is a copy in a temporary folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
	"time"
)

func main() {
	only := flag.String("only", "", "the mutants whose name or file matches this regular expression")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, only string) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	w, err := open(ctx, chosen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	fmt.Fprintln(out, "without a mistake: the tests must pass")
	if v := w.test(ctx, packages(chosen)...); v.verdict != survived {
		return fmt.Errorf("the tests do not pass without a mistake: %s\n%s", v.by, v.output)
	}
	caught := 0
	for _, m := range chosen {
		begun := time.Now()
		v, err := w.try(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if v.verdict == caughtIt {
			caught++
		}
		fmt.Fprintf(out, "%-8s %4.0fs  %s: %s\n", v.verdict, time.Since(begun).Seconds(), m.name, v.by)
		if v.verdict == survived {
			fmt.Fprintf(out, "         %s: %s\n", m.file, m.why)
		}
	}
	fmt.Fprintf(out, "caught/total = %d/%d\n", caught, len(chosen))
	if caught < len(chosen) {
		return errors.New("a mistake survived: a test is missing")
	}
	return nil
}

func choose(only string) ([]mutant, error) {
	re, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(all(), func(m mutant) bool { return !re.MatchString(m.name) && !re.MatchString(m.file) })
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant matches %q", only)
	}
	return chosen, nil
}
