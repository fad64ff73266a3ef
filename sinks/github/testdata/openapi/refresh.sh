#!/bin/sh
# Fetches GitHub's descriptions again and reduces them. Needs npm and node; the tests need neither.
set -eu
version=${1:-23.0.2}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "@octokit/openapi@$version" >/dev/null && tar xzf ./*.tgz)
for name in api.github.com ghes-3.19; do
	node "$here/reduce.mjs" "$work/package/generated/$name.deref.json" >"$here/$name.json"
done
cp "$work/package/LICENSE" "$here/LICENSE"
