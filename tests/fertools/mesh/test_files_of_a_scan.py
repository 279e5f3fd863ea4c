from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fertools.errors import ScanError
from fertools.mesh import read_bnd, read_pse, read_texture


def bnd_lines(count: int) -> str:
    return "".join(f"{i}\t\t{i}.5 -2.25 {i}e-1\n" for i in range(count))


def test_landmarks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.bnd"
    path.write_text(bnd_lines(83))
    landmarks = read_bnd(path)
    assert landmarks.indices.tolist() == list(range(83))
    assert landmarks.points[10].tolist() == [10.5, -2.25, 1.0]


@pytest.mark.parametrize("count", [0, 82, 84])
def test_another_number_of_landmarks_is_refused(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.bnd"
    path.write_text(bnd_lines(count))
    with pytest.raises(ScanError, match=f"has {count} landmarks, expected 83"):
        read_bnd(path)


@pytest.mark.parametrize(
    "line",
    ["1 2 3", "x 1 2 3", "1 2 3 nan", "-1 0 0 0", "1 2 3 4 5",
     "1_0 1 2 3", "1 1_0 2 3", "4294967296 0 0 0", "1 2 3 1e8", "1 -1e999 2 3", "1, 2, 3, 4"],
)  # fmt: skip
def test_a_line_that_is_no_landmark_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.bnd"
    path.write_text(bnd_lines(82) + line + "\n")
    with pytest.raises(ScanError, match="line 83: "):
        read_bnd(path)


def test_fewer_than_eight_pose_points_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pse"
    path.write_text(bnd_lines(7))
    with pytest.raises(ScanError, match="has 7 pose points"):
        read_pse(path)


def test_a_texture_that_is_no_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    path.write_text("no picture")
    with pytest.raises(ScanError, match="is not a BMP, PNG or JPEG"):
        read_texture(path)


def test_a_texture_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ScanError, match="cannot be read to its end"):
        read_texture(path)


def test_a_texture_keeps_its_rows_and_colours(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    assert np.array_equal(read_texture(tmp_path / "a.bmp"), pixels)


def test_a_giant_texture_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
    header = bytearray(path.read_bytes())
    header[18:26] = (100_000).to_bytes(4, "little") * 2
    path.write_bytes(header)
    with pytest.raises(ScanError, match=r"pixels; a texture|is not a BMP"):
        read_texture(path)


@pytest.mark.parametrize("side", [10_000, 12_000])  # on both sides of Pillow's own limit
def test_a_large_texture_is_refused_without_a_warning(tmp_path: Path, side: int) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
    header = bytearray(path.read_bytes())
    header[18:26] = side.to_bytes(4, "little") * 2
    path.write_bytes(header)
    with pytest.raises(ScanError, match=rf"{side} x {side} pixels; a texture may have 64,000,000"):
        read_texture(path)


def test_a_texture_without_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
    header = bytearray(path.read_bytes())
    header[18:22] = bytes(4)
    path.write_bytes(header)
    with pytest.raises(ScanError, match=r"has 0 x 2 pixels|is not a BMP"):
        read_texture(path)


def test_a_texture_of_sixteen_bits_is_refused(tmp_path: Path) -> None:
    Image.new("I;16", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(ScanError, match="more than eight bits a channel"):
        read_texture(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA"])
def test_other_kinds_of_pictures_become_rgb(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (3, 2), (255, 255, 255)).convert(mode).save(tmp_path / "a.png")
    assert read_texture(tmp_path / "a.png").tolist() == [[[255] * 3] * 3] * 2


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (read_bnd, read_pse, read_texture):
        for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
            with pytest.raises(ScanError, match=r"is a (pipe or a device|folder)"):
                read(path)


def test_a_file_too_large_for_landmarks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bnd").write_text("0 0 0 0\n" * 200_000)
    with pytest.raises(ScanError, match="larger than 1,000,000 bytes"):
        read_bnd(tmp_path / "a.bnd")
    os.truncate(tmp_path / "a.bnd", 2_000_000_000)
    with pytest.raises(ScanError, match="larger than 300,000,000 bytes"):
        read_texture(tmp_path / "a.bnd")


def test_transparency_is_dropped_without_a_warning(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 2), (255, 255, 255)).convert("P")
    picture.save(tmp_path / "a.png", transparency=b"\x00\x01")
    assert read_texture(tmp_path / "a.png").min() == 255
