from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fertools.errors import ScanError
from fertools.mesh import read_vrml

HEAD = "#VRML V2.0 utf8\n"
SQUARE = """
Shape { geometry IndexedFaceSet {
 coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, 0 1e0 0.0 ] }
 coordIndex [ 0, 1, 2, 3, -1 ]
 texCoord TextureCoordinate { point [ 0 0, 1 0, 1 1, 0 1, .5 .5 ] }
 texCoordIndex [ 4, 3, 2, 1, -1 ]
} }
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scan.wrl"
    path.write_bytes(text.encode())
    return path


def test_a_quad_becomes_a_fan_with_its_own_texture_numbers(tmp_path: Path) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + SQUARE))
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.uv_faces.tolist() == [[4, 3, 2], [4, 2, 1]]
    assert mesh.uvs[4].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "text",
    [
        SQUARE.replace("\n", "\r\n"),
        SQUARE.replace(",", " "),
        SQUARE.replace(", ", ",\n# a comment ] here\n"),
        SQUARE.replace("point [ 0 0 0", "point\n\n[\n0 0 0"),
        SQUARE.replace(" -1 ]", " ]"),
    ],
    ids=["crlf", "no commas", "comments", "bracket on a line of its own", "last -1 left out"],
)
def test_every_way_of_writing_gives_the_same_mesh(tmp_path: Path, text: str) -> None:
    plain = read_vrml(write(tmp_path, HEAD + SQUARE))
    other = read_vrml(write(tmp_path, HEAD + text))
    assert np.array_equal(plain.vertices, other.vertices)
    assert np.array_equal(plain.faces, other.faces)
    assert np.array_equal(plain.uv_faces, other.uv_faces)


def test_a_hexagon_becomes_four_triangles(tmp_path: Path) -> None:
    points = ", ".join(f"{i} {i * i} 0" for i in range(6))
    text = f"IndexedFaceSet {{ Coordinate {{ point [ {points} ] }} coordIndex [ 0 1 2 3 4 5 -1 ] }}"
    assert read_vrml(write(tmp_path, HEAD + text)).faces.tolist() == [
        [0, 1, 2],
        [0, 2, 3],
        [0, 3, 4],
        [0, 4, 5],
    ]


def test_texture_numbers_default_to_vertex_numbers(tmp_path: Path) -> None:
    text = SQUARE.replace("texCoordIndex [ 4, 3, 2, 1, -1 ]", "")
    mesh = read_vrml(write(tmp_path, HEAD + text))
    assert mesh.uv_faces.tolist() == mesh.faces.tolist()


def test_two_shapes_are_joined(tmp_path: Path) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + SQUARE + SQUARE))
    assert len(mesh.vertices) == 8
    assert mesh.faces[2:].min() == 4
    assert mesh.uv_faces[2:].tolist() == [[9, 8, 7], [9, 7, 6]]


def test_a_hash_in_a_string_is_no_comment(tmp_path: Path) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + 'ImageTexture { url "a#b.bmp" }' + SQUARE))
    assert mesh.texture_url == "a#b.bmp"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "holds no IndexedFaceSet"),
        (SQUARE[: len(SQUARE) // 2], "cut off"),
        (SQUARE.replace("2, 3, -1", "2, 9, -1"), r"uses \[0, 2, 9\], expected numbers from 0 to 3"),
        (SQUARE.replace("2, 3, -1", "2, -7, -1"), "expected numbers from 0"),
        (SQUARE.replace("1e0", "nan"), "row 3 is not finite"),
        (SQUARE.replace("1e0", "1e999"), "row 3 is not finite"),
        (SQUARE.replace("1e0", "one"), "expected numbers"),
        (SQUARE.replace("1e0", ""), "do not make rows of 3"),
        (SQUARE.replace("0, 1, 2, 3, -1", "0, 1, -1"), "has 2 corners"),
        (SQUARE.replace("0, 1, 2, 3, -1", ""), "has no polygon"),
        (SQUARE.replace("4, 3, 2, 1, -1", "4, 3, 2, -1"), "corners differ"),
        (SQUARE.replace("0, 1, 2, 3, -1", "0, 1.5, 2, 3, -1"), "expected whole numbers"),
        (SQUARE.replace("0, 1, 2, 3, -1", "0, 99999999999999999999, 2, -1"), "expected whole"),
    ],
)
def test_a_damaged_scan_is_one_clear_error(tmp_path: Path, text: str, match: str) -> None:
    path = write(tmp_path, HEAD + text)
    with pytest.raises(ScanError, match=match) as caught:
        read_vrml(path)
    assert str(caught.value).startswith(str(path))


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"expected a VRML 2\.0 scan"):
        read_vrml(write(tmp_path, "#VRML V1.0 ascii\n"))


def test_a_missing_scan_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="the scan is missing"):
        read_vrml(tmp_path / "none.wrl")
