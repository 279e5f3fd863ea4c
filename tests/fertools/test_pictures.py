"""Picture files: read to the last byte, and refused where they are not what they say."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fertools.errors import PictureError
from fertools.pictures import read_facts, read_picture

KINDS = {"jpg": "JPEG", "png": "PNG", "bmp": "BMP", "tif": "TIFF", "gif": "GIF", "webp": "WEBP"}


def pixels(height: int = 30, width: int = 40) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 6 % 256, y * 8 % 256, (x + y) * 3 % 256], axis=-1).astype(np.uint8)


def encode(array: np.ndarray, kind: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    options = {"quality": 95} if kind == "JPEG" else {}
    Image.fromarray(array).convert(mode).save(buffer, format=kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", KINDS)
def test_the_usual_formats_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encode(pixels(), KINDS[suffix]))
    facts = read_facts(path)
    assert (facts.width, facts.height) == (40, 30)
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.num_bytes == path.stat().st_size
    read = read_picture(path)
    assert read.shape == (30, 40, 3)
    assert read.dtype == np.uint8
    if suffix in ("png", "bmp", "tif"):
        assert np.array_equal(read, pixels())


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "LA", "RGBA", "1", "I;16"])
def test_other_colour_models_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    if mode == "CMYK":
        path.write_bytes(encode(pixels(), "JPEG", "CMYK"))
    elif mode == "I;16":
        deep = (pixels()[..., 0].astype(np.uint16)) * 257
        Image.fromarray(deep).save(path)
        assert np.array_equal(read_picture(path)[..., 1], pixels()[..., 0])
    else:
        path.write_bytes(encode(pixels(), "PNG", mode))
    assert read_picture(path).shape == (30, 40, 3)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_picture_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a.{suffix}"
    data = encode(pixels(300, 400), KINDS[suffix])
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(PictureError, match=r"a\.\w+: "):
        read_picture(path)


def test_a_jpeg_without_its_last_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(pixels(), "JPEG")[:-1])
    with pytest.raises(PictureError, match="cannot be read to its end"):
        read_picture(path)


def test_stray_bytes_before_the_end_are_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    data = encode(pixels(), "JPEG")
    path.write_bytes(data[:-2] + b"\0\0\0" + data[-2:])
    assert np.array_equal(read_picture(path), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("shortest", [10, 100, 130, 200, 260, 1000])
def test_a_jpeg_is_decoded_small_but_not_smaller_than_asked(tmp_path: Path, shortest: int) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(pixels(500, 520), "JPEG"))
    read = read_picture(path, shortest=shortest)
    assert min(read.shape[:2]) >= min(shortest, 500)
    if shortest <= 62:
        assert max(read.shape[:2]) <= 65


def png_of(width: int, height: int) -> bytes:
    data = bytearray(encode(pixels(), "PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("size", [(100_000, 100_000), (10_001, 10_000), (2**31 - 1, 1)])
def test_giant_pictures_are_refused_by_their_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(*size))
    for read in (read_facts, read_picture):
        with pytest.raises(PictureError, match=r"bomb.png: .*pixels; a picture may have"):
            read(path)


def test_a_png_that_unfolds_text_without_end_is_refused(tmp_path: Path) -> None:
    data = encode(pixels(), "PNG")
    body = b"a\0\0" + zlib.compress(b"x" * 100_000_000, 9)
    chunk = len(body).to_bytes(4, "big") + b"zTXt" + body
    chunk += zlib.crc32(b"zTXt" + body).to_bytes(4, "big")
    path = tmp_path / "bomb.png"
    path.write_bytes(data[:33] + chunk + data[33:])
    with pytest.raises(PictureError, match=r"bomb\.png"):
        read_picture(path)


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    for read in (read_facts, read_picture):
        with pytest.raises(PictureError, match=r"a\.jpg"):
            read(path)


def test_folders_pipes_loops_and_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    for name in ("folder.jpg", "pipe.jpg", "loop.jpg", "absent.jpg"):
        with pytest.raises(PictureError, match=name):
            read_facts(tmp_path / name)


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    with path.open("wb") as stream:
        stream.truncate(200_000_001)
    with pytest.raises(PictureError, match=r"200,000,001 bytes; a picture may have 200,000,000"):
        read_facts(path)


def test_random_damage_never_ends_in_a_traceback(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "a"
    for number in range(600):
        kind = list(KINDS.values())[number % len(KINDS)]
        data = bytearray(encode(pixels(), kind))
        for _ in range(int(rng.integers(1, 12))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        path.write_bytes(bytes(data[: int(rng.integers(1, len(data) + 1))]))
        with contextlib.suppress(PictureError):
            assert read_picture(path).ndim == 3
