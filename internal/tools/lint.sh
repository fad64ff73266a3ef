#!/bin/sh
# What `make lint` checks, from the fastest to the slowest.
set -eu
cd "$(dirname "$0")/../.."

unformatted=$(gofmt -l cmd config deploy internal rotator sinks)
if [ -n "$unformatted" ]; then
	echo "gofmt these files:" "$unformatted" >&2
	exit 1
fi

for script in $(find . -name '*.sh' -not -path './.git/*'); do
	sh -n "$script"
done
bash -n .ci/run

go vet ./...
go vet -tags e2e ./...

# The generated pages must be what the code says. Pages that are not committed yet count as well.
before=$(find docs -type f -exec sha256sum {} + | sort)
go run ./internal/docgen
if [ "$before" != "$(find docs -type f -exec sha256sum {} + | sort)" ]; then
	echo "docs were out of date: commit what \`make docs\` has just written" >&2
	exit 1
fi

"$(sh internal/tools/golangci-lint.sh)" run ./...
