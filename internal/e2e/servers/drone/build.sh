#!/bin/sh
# Builds a real Drone server from its Go modules.
# usage: build.sh OUTDIR
set -eu
cd "$(dirname "$0")"
mkdir -p "$1"
# cgo: SQLite is the C library
CGO_ENABLED=1 go build -trimpath -ldflags '-s -w' -o "$1/drone" github.com/drone/drone/cmd/drone-server
