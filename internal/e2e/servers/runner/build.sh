#!/bin/sh
# Builds Gitea's runner from its Go modules.
# usage: build.sh OUTDIR
set -eu
cd "$(dirname "$0")"
mkdir -p "$1"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$1/runner" gitea.com/gitea/runner
