#!/usr/bin/env python3
"""A keyturn plugin in Python 3, with nothing but its standard library.

It writes the pair as JSON to the file that the configuration calls path.
docs/exec-protocol.md describes what it speaks.

    exec: { command: [/usr/local/lib/keyturn/sink_file.py], config: { path: /srv/ci/pair.json } }
"""

import hmac
import json
import os
import sys
import tempfile


class Failure(Exception):
    """An error with its class. It ends the plugin with 75 if trying again may help."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind
        self.status = 75 if kind in ("temporary", "throttled", "conflict") else 1


def describe(_):
    return {"best_evidence": "exact", "readable": True}


def check(request):
    folder = os.path.dirname(path(request))
    if not os.path.isdir(folder):
        raise Failure("missing", "the folder of config.path does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure("denied", "the folder of config.path is not writable")
    stored(request)
    return {}


def push(request):
    check(request)
    target = path(request)
    text = json.dumps(pair(request), indent=2) + "\n"
    sweep(target)
    handle, name = tempfile.mkstemp(dir=os.path.dirname(target), prefix=prefix(target))
    try:
        with os.fdopen(handle, "w") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
    folder = os.open(os.path.dirname(target), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return {}


def verify(request):
    want, have = pair(request), stored(request)
    same = have.get("AWS_ACCESS_KEY_ID") == want["AWS_ACCESS_KEY_ID"] and hmac.compare_digest(
        str(have.get("AWS_SECRET_ACCESS_KEY", "")), want["AWS_SECRET_ACCESS_KEY"]
    )
    if not same:
        raise Failure("stale", "the file holds another pair")
    return {"evidence": "exact"}


def serving(request):
    return {"access_key_id": str(stored(request).get("AWS_ACCESS_KEY_ID", ""))}


def path(request):
    given = request.get("config", {}).get("path")
    if not given:
        raise Failure("refused", "config.path is missing")
    return os.path.abspath(given)


def pair(request):
    given = request.get("credential", {})
    if not given.get("access_key_id") or not given.get("secret_access_key"):
        raise Failure("refused", "no pair in the request")
    return {
        "AWS_ACCESS_KEY_ID": given["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
    }


def stored(request):
    try:
        with open(path(request)) as file:
            held = json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError:
        raise Failure("refused", "the file holds no JSON") from None
    if not isinstance(held, dict):
        raise Failure("refused", "the file holds no JSON object")
    return held


def prefix(target):
    return "." + os.path.basename(target) + ".keyturn-"


def sweep(target):
    """Removes what a push that was killed left behind: it holds a secret."""
    folder = os.path.dirname(target)
    for name in os.listdir(folder):
        if name.startswith(prefix(target)):
            os.unlink(os.path.join(folder, name))


OPERATIONS = {f.__name__: f for f in (describe, check, push, verify, serving)}


def main():
    try:
        request = json.load(sys.stdin)
        if not isinstance(request, dict) or request.get("version") != 1:
            raise Failure("refused", "not a request of version 1")
        operation = OPERATIONS.get(request.get("op"))
        if operation is None:
            raise Failure("refused", "unknown operation")
        answer, status = operation(request), 0
    except Failure as failure:
        answer, status = {"error": {"class": failure.kind, "message": str(failure)}}, failure.status
    except ValueError:  # its text could quote the request
        answer, status = {"error": {"class": "refused", "message": "stdin is not JSON"}}, 1
    except PermissionError as error:
        answer, status = {"error": {"class": "denied", "message": os.strerror(error.errno)}}, 1
    except OSError as error:
        answer, status = {"error": {"class": "temporary", "message": os.strerror(error.errno)}}, 75
    print(json.dumps({"version": 1, **answer}))
    return status


sys.exit(main())
