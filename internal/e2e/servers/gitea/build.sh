#!/bin/sh
# Builds a real Gitea server from its Go modules, and puts what it reads at run time beside it.
# usage: build.sh OUTDIR
set -eu
cd "$(dirname "$0")"
out=$1
mkdir -p "$out/static"
# cgo: SQLite is the C library
CGO_ENABLED=1 go build -tags 'sqlite sqlite_unlock_notify' -trimpath -ldflags '-s -w -X main.Version=1.26.2' -o "$out/gitea" code.gitea.io/gitea
src=$(go list -m -f '{{.Dir}}' code.gitea.io/gitea)
cp -R "$src/templates" "$src/options" "$src/public" "$out/static/"
chmod -R u+w "$out/static"
