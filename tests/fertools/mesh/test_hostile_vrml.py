"""Files that would take a careless reader minutes: the claim is that these tests end at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fertools.errors import ScanError
from fertools.mesh import read_vrml

HEAD = b"#VRML V2.0 utf8\n"
POINTS = HEAD + b"IndexedFaceSet { coord Coordinate { point [ "
WORDS = {
    "brackets": b"[" * 4_000_000,
    "closed brackets": b"[" * 2_000_000 + b"]" * 2_000_000,
    "braces": b"{" * 4_000_000,
    "quotes": b'"' * 4_000_000,
    "escapes": b'"' + b'\\"' * 2_000_000,
    "backslashes": b'"' + b"\\" * 4_000_000,
    "one comment": b"#" * 4_000_000,
    "comments": b"#\n" * 2_000_000,
    "blanks": b" " * 4_000_000,
    "one word": b"a" * 4_000_000,
    "words": b"a " * 2_000_000,
    "urls": b"ImageTexture { url " + b"url [ " * 700_000,
    "moves": b"Transform { translation 1 1 1 " * 140_000,
    "lists": b"x [ 0 ] " * 500_000,
    "shapes": b"IndexedFaceSet { coordIndex [ 0 ] } " * 120_000,
}
NUMBERS = {
    "one number": b"1" * 4_000_000,
    "one word": b"1" * 4_000_000 + b"x",
    "one fraction": b"." + b"1" * 4_000_000,
    "one exponent": b"1e" + b"1" * 4_000_000,
    "numbers": b"0 " * 2_000_000 + b"x",
    "hard numbers": b"1.2345678901234567890 " * 200_000 + b"x",
    "commas": b"," * 4_000_000,
    "triangles without area": b"1 1 1 ] } coordIndex [ " + b"0 0 0 -1 " * 400_000,
}


def refusal(path: Path, text: bytes, *, compiled: bool | None = None) -> str:
    path.write_bytes(text)
    with pytest.raises(ScanError) as caught:
        read_vrml(path, compiled=compiled)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_endless_words_are_refused(tmp_path: Path, text: bytes) -> None:
    assert len(refusal(tmp_path / "scan.wrl", HEAD + text)) < 200


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
def test_endless_numbers_are_refused_alike_both_ways(tmp_path: Path, numbers: bytes) -> None:
    text = POINTS + numbers + (b"] }" if b"Index" in numbers else b"] } coordIndex [ 0 0 0 ] }")
    message = refusal(tmp_path / "scan.wrl", text, compiled=True)
    assert len(message) < 200
    assert "cut off" not in message
    assert refusal(tmp_path / "scan.wrl", text, compiled=False) == message
