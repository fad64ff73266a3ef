#!/bin/sh
# Builds kube-apiserver and etcd from the Go proxy alone. They are two modules: each pins its own etcd.
# usage: build.sh OUTDIR
set -eu
cd "$(dirname "$0")"
out=$1
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$(awk '$1 == "require" && $2 == "k8s.io/kubernetes" { print $3 }' go.mod)
# Without these the server does not know which Kubernetes it is, and refuses to start.
about=k8s.io/component-base/version
major=${version%%.*}
minor=${version#*.}
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $about.gitVersion=$version -X $about.gitMajor=${major#v} -X $about.gitMinor=${minor%%.*}" \
	-o "$out/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
cd etcd
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$out/etcd" go.etcd.io/etcd/server/v3
