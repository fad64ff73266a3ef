#!/bin/sh
# Prints where golangci-lint is, and builds it into the cache first if it is not there: about two minutes on two cores.
set -eu
cd "$(dirname "$0")"
program=${XDG_CACHE_HOME:-$HOME/.cache}/keyturn-tools/golangci-lint-$(cat go.mod go.sum | sha256sum | cut -c1-12)-$(go env GOVERSION)
if [ ! -x "$program" ]; then
	mkdir -p "$(dirname "$program")"
	echo "building golangci-lint into $program" >&2
	go build -trimpath -ldflags '-s -w' -o "$program.$$" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	mv "$program.$$" "$program"
fi
echo "$program"
