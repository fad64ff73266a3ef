#!/bin/sh
# A keyturn plugin in POSIX shell: it writes the pair as two lines to the file that the
# configuration calls path. docs/exec-protocol.md describes what it speaks. It needs sh,
# sed, mv, rm and dirname.
#
#   exec: { command: [/usr/local/lib/keyturn/sink-file.sh], config: { path: /srv/ci/pair.env } }
set -eu
umask 077

fail() { # CLASS MESSAGE STATUS
	printf '{"version":1,"error":{"class":"%s","message":"%s"}}\n' "$1" "$2"
	exit "$3"
}

# The request is one line of compact JSON, and the pair is its last member. A value with an
# escape in it is not understood, and taken as missing.
value() { printf '%s\n' "$request" | sed -n 's/.*"'"$1"'":"\([^"\\]*\)".*/\1/p'; }
stored() { [ ! -e "$path" ] || sed -n "s/^$1=//p" "$path"; }

IFS= read -r request || fail refused 'no complete line on stdin' 1
case $request in
'{"version":1,"op":"'*'}') ;;
*) fail refused 'not a request of version 1' 1 ;;
esac
op=${request#'{"version":1,"op":"'}
op=${op%%\"*}
if [ "$op" = describe ]; then
	echo '{"version":1,"best_evidence":"exact","readable":true}'
	exit
fi

path=$(value path)
id=$(value access_key_id)
secret=$(value secret_access_key)
[ -n "$path" ] || fail refused 'config.path is missing, or holds a quote or a backslash' 1
folder=$(dirname -- "$path")
[ -d "$folder" ] || fail missing 'the folder of config.path does not exist' 1
[ -w "$folder" ] || fail denied 'the folder of config.path is not writable' 1
case $op in push | verify) [ -n "$id" ] && [ -n "$secret" ] || fail refused 'no pair in the request' 1 ;; esac

case $op in
check)
	echo '{"version":1}'
	;;
push)
	rm -f -- "$path".keyturn.* # of a push that was killed
	new=$path.keyturn.$$
	trap 'rm -f -- "$new"' EXIT
	{
		printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$id" "$secret" >"$new" &&
			mv -f -- "$new" "$path"
	} 2>/dev/null || fail temporary 'the file cannot be written' 75
	echo '{"version":1}'
	;;
verify)
	[ "$(stored AWS_ACCESS_KEY_ID)" = "$id" ] && [ "$(stored AWS_SECRET_ACCESS_KEY)" = "$secret" ] ||
		fail stale 'the file holds another pair' 1
	echo '{"version":1,"evidence":"exact"}'
	;;
serving)
	printf '{"version":1,"access_key_id":"%s"}\n' "$(stored AWS_ACCESS_KEY_ID)"
	;;
*)
	fail refused 'unknown operation' 1
	;;
esac
