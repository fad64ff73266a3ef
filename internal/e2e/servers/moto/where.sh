#!/bin/sh
# Prints the folder that install.sh fills: one per version and per state of install.sh.
set -eu
cd "$(dirname "$0")"
echo "${XDG_CACHE_HOME:-$HOME/.cache}/keyturn-e2e/moto-5.1.1-$(sha256sum install.sh | cut -c1-12)"
