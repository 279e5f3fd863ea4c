#!/usr/bin/env bash
# Installs Mesa's software OpenGL, which the pyrender backend draws with where there is no GPU.
# Only on Debian and Ubuntu; elsewhere, and where it may not, it says so and the tests skip.
set -euo pipefail

packages="libegl1 libegl-mesa0 libgl1-mesa-dri libosmesa6"
command -v dpkg-query >/dev/null 2>&1 || { echo "no dpkg: install $packages' like yourself" >&2; exit 0; }
missing=""
for package in $packages; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "not root: install$missing yourself" >&2; exit 0; }
    sudo="sudo"
fi
# shellcheck disable=SC2086 # a list of words
$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $missing >&2
