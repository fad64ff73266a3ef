#!/bin/sh
# Puts moto_server 5.1.1 into the cache unless it is there: its dependencies are Debian 12's packages, moto itself is
# Debian 13's (for every architecture), checked, and unpacked without being installed.
# The folder appears at once and complete, and two installers wait for each other.
set -eu
cd "$(dirname "$0")"
package=pool/main/p/python-moto/python3-moto_5.1.1-4_all.deb
sum=8a231ec9c330cd2cf40fde0d0ebe1d3c10698cfba718cee8a2ad7e983c4e7574
needs="python3-boto3 python3-flask python3-flask-cors python3-werkzeug python3-xmltodict python3-responses
	python3-cryptography python3-jinja2 python3-dateutil python3-requests python3-yaml python3-antlr4 curl"

dir=$(./where.sh)
mkdir -p "$(dirname "$dir")"
exec 9>"$dir.lock"
flock 9

# shellcheck disable=SC2086 # the list is split on purpose
if ! dpkg -s $needs >/dev/null 2>&1; then
	if [ "$(id -u)" != 0 ]; then
		echo "moto needs these Debian packages:" $needs >&2
		exit 1
	fi
	apt-get update -q >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $needs >&2
fi
[ -d "$dir" ] && exit 0

echo "unpacking moto into $dir" >&2
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
rm -rf "$dir.partial"
mkdir "$dir.partial"
curl -fsS --retry 3 -o "$dir.partial/moto.deb" "${mirror%/}/$package"
echo "$sum  $dir.partial/moto.deb" | sha256sum -c - >&2
dpkg -x "$dir.partial/moto.deb" "$dir.partial"
rm "$dir.partial/moto.deb"
mv "$dir.partial" "$dir"
