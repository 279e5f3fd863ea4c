#!/usr/bin/env bash
# Builds the wheel, installs it without extras in a new environment, and uses it from another folder.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$root/.venv/bin/python" -m build --wheel --outdir "$scratch" "$root" >"$scratch/build.log" 2>&1 ||
    { cat "$scratch/build.log" >&2; exit 1; }
"${PYTHON:-python3}" -m venv "$scratch/env"
"$scratch/env/bin/pip" install --quiet --disable-pip-version-check "$scratch"/fertools-*.whl

cd "$scratch"
"$scratch/env/bin/fertools" --version
"$scratch/env/bin/fertools" protocols list
"$scratch/env/bin/fertools" protocols show bu3dfe-p1-5fold >/dev/null
"$scratch/env/bin/zoo" --help >/dev/null
"$scratch/env/bin/fertools" render-bu3dfe --help >/dev/null

# without the extras, a command that needs one says which
status=0
message=$("$scratch/env/bin/zoo" list 2>&1) || status=$?
case "$status:$message" in
    1:error:*'fertools[zoo]'*) ;;
    *) echo "error: 'zoo list' without torch ended with $status: $message" >&2; exit 1 ;;
esac
if "$scratch/env/bin/python" -c 'import torch' 2>/dev/null; then
    echo "error: the base install brought torch" >&2
    exit 1
fi
echo "the wheel works in a new environment, without torch"
