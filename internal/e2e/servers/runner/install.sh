#!/bin/sh
# Builds Gitea's runner into the cache unless it is there: about a minute on two cores the first time.
# The folder appears at once and complete, and two builders wait for each other.
set -eu
cd "$(dirname "$0")"
dir=$(./where.sh)
[ -d "$dir" ] && exit 0
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9
[ -d "$dir" ] && exit 0
echo "building Gitea's runner into $dir" >&2
rm -rf "$dir.partial"
./build.sh "$dir.partial"
mv "$dir.partial" "$dir"
