#!/bin/sh
# Runs each fuzz target of the module for FUZZTIME (default 20s), one after the other: go test takes one at a time.
set -eu
cd "$(dirname "$0")/../.."
grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" "$(dirname "$file")"
	done
done
