from __future__ import annotations

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


@pytest.mark.parametrize("line", ["1 2 3", "x 1 2 3", "1 2 3 nan", "-1 0 0 0", "1 2 3 4 5"])
def test_a_line_that_is_no_landmark_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.bnd"
    path.write_text(bnd_lines(82) + line + "\n")
    with pytest.raises(ScanError, match=r"line 83|not finite|out of range"):
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
