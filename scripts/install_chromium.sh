#!/usr/bin/env bash
# Installs Debian's Chromium and its driver, with which the tests of the report open it as a
# reader does. Only on Debian; elsewhere, and where it may not, it says so and the tests skip.
set -euo pipefail

packages="chromium chromium-driver fonts-dejavu-core"
if command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1; then exit 0; fi
command -v dpkg-query >/dev/null 2>&1 || { echo "no dpkg: install $packages yourself" >&2; exit 0; }
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "not root: install $packages yourself" >&2; exit 0; }
    sudo="sudo"
fi
# shellcheck disable=SC2086 # a list of words
$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $packages >&2
