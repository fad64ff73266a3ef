#!/bin/sh
# Prints the folder that install.sh fills: one per version and per state of the files that decide what is built.
set -eu
cd "$(dirname "$0")"
version=$(awk '$1 == "require" && $2 == "k8s.io/kubernetes" { print $3 }' go.mod)
sources=$(cat go.mod go.sum etcd/go.mod etcd/go.sum build.sh | sha256sum | cut -c1-12)
echo "${XDG_CACHE_HOME:-$HOME/.cache}/keyturn-e2e/kube-$version-$sources"
