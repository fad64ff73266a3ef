#!/bin/sh
# Builds Drone into the cache unless it is there: about two minutes on two cores the first time.
# The folder appears at once and complete, and two builders wait for each other.
set -eu
cd "$(dirname "$0")"
dir=$(./where.sh)
[ -d "$dir" ] && exit 0
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9
[ -d "$dir" ] && exit 0
echo "building Drone into $dir" >&2
rm -rf "$dir.partial"
./build.sh "$dir.partial"
mv "$dir.partial" "$dir"
