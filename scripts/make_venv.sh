#!/usr/bin/env bash
# Makes .venv in the project's root and installs fertools with all that it uses there.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "error: $*" >&2; exit 1; }

python=""
for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "no python3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3"

if [ ! -x .venv/bin/pip ]; then
    rm -rf .venv
    if ! "$python" -m venv .venv 2>.venv-error; then
        # Debian and Ubuntu ship venv apart from python3
        rm -rf .venv
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        sudo=""
        [ "$(id -u)" = 0 ] || sudo="sudo"
        echo "python3 has no venv; installing the package python$version-venv" >&2
        { $sudo apt-get update -qq && $sudo apt-get install -y -qq "python$version-venv"; } >&2 ||
            fail "no venv in $python ($(tail -n 1 .venv-error)); install it: sudo apt-get install python$version-venv"
        "$python" -m venv .venv
    fi
    rm -f .venv-error
fi

echo "installing fertools and its libraries into .venv (several GB with torch; some minutes)" >&2
.venv/bin/pip install --quiet --disable-pip-version-check --upgrade pip
.venv/bin/pip install --quiet --disable-pip-version-check --editable ".[zoo,synth,pyrender,facemesh,export,cluster,docs,dev]"
echo "installed: $(.venv/bin/fertools --version)" >&2
