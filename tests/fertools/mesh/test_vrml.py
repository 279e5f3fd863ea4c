from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from fertools.errors import ScanError
from fertools.mesh import VrmlMesh, read_vrml

HEAD = "#VRML V2.0 utf8\n"
SQUARE = """
Shape { geometry IndexedFaceSet {
 coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, 0 1e0 0.0 ] }
 coordIndex [ 0, 1, 2, 3, -1 ]
 texCoord TextureCoordinate { point [ 0 0, 1 0, 1 1, 0 1, .5 .5 ] }
 texCoordIndex [ 4, 3, 2, 1, -1 ]
} }
"""
TEX_COORD = "texCoord TextureCoordinate { point [ 0 0, 1 0, 1 1, 0 1, .5 .5 ] }"
TEX_INDEX = "texCoordIndex [ 4, 3, 2, 1, -1 ]"
BARE = SQUARE.replace(TEX_COORD, "").replace(TEX_INDEX, "")
INDEX = "0, 1, 2, 3, -1"
BOTH_WAYS = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "numpy"])


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "scan.wrl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def same(one: VrmlMesh, other: VrmlMesh) -> bool:
    names = ("vertices", "faces", "uvs", "uv_faces")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


@BOTH_WAYS
def test_a_quad_becomes_a_fan_with_its_own_texture_numbers(tmp_path: Path, compiled: bool) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + SQUARE), compiled=compiled)
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.uv_faces.tolist() == [[4, 3, 2], [4, 2, 1]]
    assert mesh.uvs[4].tolist() == [0.5, 0.5]
    assert mesh.faces.dtype == mesh.uv_faces.dtype == np.int32


SPELLINGS = {
    "crlf": SQUARE.replace("\n", "\r\n"),
    "bare cr": SQUARE.replace("\n", "\r"),
    "no commas": SQUARE.replace(",", " "),
    "commas without blanks": SQUARE.replace(", ", ","),
    "tabs": SQUARE.replace(" ", "\t"),
    "comments": SQUARE.replace(", ", ",\n# a comment ] here [ 5 6 7 } \"\n"),
    "comment at once": SQUARE.replace("0 1e0 0.0 ]", "0 1e0 0.0#1 2 3\r]"),
    "bracket on a line of its own": SQUARE.replace("point [ 0 0 0", "point\n\n[\n0 0 0"),
    "last -1 left out": SQUARE.replace(" -1 ]", " ]"),
    "comma behind the last": SQUARE.replace("-1 ]", "-1,, ]"),
    "exponents": SQUARE.replace("1 1 0,", "+.1E+1 1e+00 +0.0e-7,"),
    "names": SQUARE.replace("coord Coordinate", "coord DEF c Coordinate").replace(
        "texCoord TextureCoordinate", "texCoord DEF point TextureCoordinate"
    ),
    "nested": f"Group {{ children [ Group {{ children [ {SQUARE} ] }} ] }}",
    "no blanks": SQUARE.replace(" {", "{").replace(" [ ", "[").replace(" ]", "]"),
    "normals and colours": SQUARE.replace(
        "coordIndex [ 0",
        "normal Normal { vector [ 0 0 1 0 0 1 ] } normalIndex [ 0 1 0 1 -1 ]\n"
        "color Color { color [ 1 0 0 ] } colorIndex [ 0 ] creaseAngle 0.5 coordIndex [ 0",
    ),
    "transforms that do nothing": (
        "Transform { translation 0 0 -0.0 rotation 0 1 0 0 scale 1 1.0 1e0 center 5 5 5 "
        f"scaleOrientation 0 0 1 0.7 children [ {SQUARE} ] }}"
    ),
    "a moved lamp": f"Transform {{ translation 1 2 3 children PointLight {{ }} }} {SQUARE}",
    "a texture transform that does nothing": (
        f"TextureTransform {{ scale 1 1 rotation 0 translation 0, 0 }} {SQUARE}"
    ),
    "words in strings": f'WorldInfo {{ title "point [ }} IndexedFaceSet {{ # \\" ]" }} {SQUARE}',
    "a bracket too many": SQUARE + "}",
    "the last bracket left out": SQUARE.rstrip().rstrip("} "),
    "other geometry": (
        "IndexedLineSet { coord Coordinate { point [ 9 9 9 ] } coordIndex [ 0 ] }" + SQUARE
    ),
}  # fmt: skip


@BOTH_WAYS
@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_every_way_of_writing_gives_the_same_mesh(
    tmp_path: Path, text: str, compiled: bool
) -> None:
    plain = read_vrml(write(tmp_path, HEAD + SQUARE), compiled=True)
    assert same(read_vrml(write(tmp_path, HEAD + text), compiled=compiled), plain)


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1)])
def test_the_lists_come_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    blocks = SQUARE.strip().splitlines()[1:-1]
    text = "Shape { geometry IndexedFaceSet {\n" + "\n".join(blocks[i] for i in order) + "} }"
    plain = read_vrml(write(tmp_path, HEAD + SQUARE))
    assert same(read_vrml(write(tmp_path, HEAD + text)), plain)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    plain = read_vrml(write(tmp_path, HEAD + SQUARE))
    marked = write(tmp_path, b"\xef\xbb\xbf" + (HEAD + SQUARE).encode())
    assert same(read_vrml(marked), plain)


@pytest.mark.parametrize("corners", [3, 4, 5, 6, 9])
def test_a_polygon_becomes_a_fan(tmp_path: Path, corners: int) -> None:
    points = ", ".join(f"{i} {i * i} 0" for i in range(corners))
    index = " ".join(map(str, range(corners)))
    text = f"IndexedFaceSet {{ coord Coordinate {{ point [ {points} ] }} coordIndex [ {index} ] }}"
    faces = read_vrml(write(tmp_path, HEAD + text)).faces.tolist()
    assert faces == [[0, i + 1, i + 2] for i in range(corners - 2)]


def test_polygons_of_different_sizes_keep_their_order(tmp_path: Path) -> None:
    index = "0 1 2 -1 3 2 1 0 -1 1 2 3 -1 0 1 2 3 0"
    text = BARE.replace(INDEX, index)
    assert read_vrml(write(tmp_path, HEAD + text)).faces.tolist() == [
        [0, 1, 2], [3, 2, 1], [3, 1, 0], [1, 2, 3], [0, 1, 2], [0, 2, 3], [0, 3, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("instead", ["", "texCoordIndex [ ]"])
def test_texture_numbers_default_to_vertex_numbers(tmp_path: Path, instead: str) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + SQUARE.replace(TEX_INDEX, instead)))
    assert mesh.uv_faces.tolist() == mesh.faces.tolist()


def test_a_scan_without_texture_coordinates_has_none(tmp_path: Path) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + BARE))
    assert (mesh.uvs.shape, mesh.uv_faces.shape, mesh.texture_url) == ((0, 2), (0, 3), None)


def test_shapes_are_joined(tmp_path: Path) -> None:
    mesh = read_vrml(write(tmp_path, HEAD + f"Group {{ children [ {SQUARE} {SQUARE} ] }}"))
    assert len(mesh.vertices) == 8
    assert mesh.faces[2:].tolist() == [[4, 5, 6], [4, 6, 7]]
    assert mesh.uv_faces[2:].tolist() == [[9, 8, 7], [9, 7, 6]]
    bare = read_vrml(write(tmp_path, HEAD + BARE + BARE))
    assert (len(bare.faces), len(bare.uv_faces)) == (4, 0)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('ImageTexture { url "a#b.bmp" }', "a#b.bmp"),
        ('texture ImageTexture { repeatS FALSE url [ "a b.bmp", "c.bmp" ] }', "a b.bmp"),
        ('ImageTexture { url "a.bmp" } ImageTexture { url "b.bmp" }', "a.bmp"),
        ('Anchor { url "http://x" } ImageTexture{url"a.bmp"}', "a.bmp"),
        ('Inline { url [ "other.wrl" ] }', None),
        ("ImageTexture { }", None),
    ],
)
def test_the_first_texture_is_named(tmp_path: Path, text: str, url: str | None) -> None:
    assert read_vrml(write(tmp_path, HEAD + text + SQUARE)).texture_url == url


FAULTS = {
    "nothing": ("", "holds no IndexedFaceSet"),
    "cut in the head": (SQUARE[:20], "ends before the first IndexedFaceSet; the file is cut off"),
    "cut in a list": (SQUARE[:120], r"line 5: the list 'coordIndex' .*cut off"),
    "cut between lists": (SQUARE[: SQUARE.index("texCoord ")], "not closed by '}'; .*cut off"),
    "cut in a string": (
        SQUARE + 'WorldInfo { title "a',
        "begins in line 9 is not closed",
    ),
    "list without an end": (
        SQUARE.replace("0.0 ]", "0.0"),
        "line 4: the list 'coord po.*cut off",
    ),
    "other bracket": (SQUARE.replace("0 1, .5 .5 ] }", "0 1 ] ]"), r"line 6: '\]' where .* '}'"),
    "too large a number": (SQUARE.replace("2, 3, -1", "2, 9, -1"), "'9' in polygon 0, .*0 to 3"),
    "second polygon": (SQUARE.replace(INDEX, "0 1 2 -1 0 1 4"), "'4' in polygon 1"),
    "negative": (SQUARE.replace("2, 3, -1", "2, -7, -1"), "'-7' in polygon 0, expected numbers fr"),
    "beyond 32 bits": (SQUARE.replace("2, 3, -1", "2, 4294967297 -1"), "'4294967297' in polygon 0"),
    "beyond 64 bits": (SQUARE.replace("2, 3,", "99999999999999999999,"), "'9999.*expected numbers"),
    "texture number": (SQUARE.replace("4, 3, 2", "5, 3, 2"), r"line 7: .*'5' in .*from 0 to 4"),
    "no texture numbers": (
        SQUARE.replace(TEX_INDEX, "").replace(", 0 1, .5 .5", ""),
        r"line 5: coordIndex: '3' .* from 0 to 2, of texCoord points \(no texCoordIndex\)",
    ),
    "nan": (SQUARE.replace("1e0", "nan"), "line 4: coord points: 'nan' where a number belongs"),
    "inf": (SQUARE.replace("1e0", "-inf"), "'-inf' where a number belongs, expected numbers"),
    "hexadecimal": (SQUARE.replace("1e0", "0x1F"), "'0x1F' where a number belongs"),
    "underscore": (SQUARE.replace("1e0", "1_0"), "'1_0' where a number belongs"),
    "letters": (SQUARE.replace("1e0", "ɐ¹"), "where a number belongs"),
    "string": (SQUARE.replace("1e0", '"1"'), "'coord points' is not closed"),
    "brace in a list": (SQUARE.replace("1e0", "}"), "line 4: coord points: '}' where a number"),
    "beyond 1e7": (SQUARE.replace("1e0", "-1.1e7"), "'-1.1e7' in row 3 is not finite or beyond"),
    "infinite": (SQUARE.replace("1e0", "1e999"), "'1e999' in row 3 is not finite or beyond"),
    "texture infinite": (SQUARE.replace(".5 .5", ".5 1e99"), "texCoord points: '1e99' in row 4"),
    "number left out": (SQUARE.replace("1e0", ""), "11 numbers do not make rows of 3"),
    "u left out": (SQUARE.replace(".5 .5", ".5"), "9 numbers do not make rows of 2"),
    "no points": (SQUARE.replace("0 0 0, 1 0 0, 1 1 0, 0 1e0 0.0", ""), "0 numbers do not make"),
    "two corners": (SQUARE.replace(INDEX, "0, 1, -1"), "polygon 0, which has 2 corners"),
    "no corners": (SQUARE.replace(INDEX, "0 1 2 -1 -1"), "'-1' begins polygon 1, which has 0 corn"),
    "no polygon": (SQUARE.replace(INDEX, ""), "line 5: coordIndex: has no polygon"),
    "fewer corners": (SQUARE.replace("4, 3, 2, 1", "4, 3, 2"), "corners differ: polygon 0 has 3"),
    "more polygons": (SQUARE.replace("2, 1, -1", "2, 1, -1 0 1 2 -1"), "has 2 polygons, but .* 1"),
    "fraction": (SQUARE.replace(INDEX, "0, 1.5, 2, -1"), "'1.5' .*expected whole numbers"),
    "no coord": (SQUARE.replace("Coordinate { point", "Coordinate { spot"), "has no coord points"),
    "no coordIndex": (SQUARE.replace(" coordIndex", " cordIndex"), "has no coordIndex"),
    "texture numbers only": (SQUARE.replace(TEX_COORD, ""), "line 3: .*has no texCoord points"),
    "a list twice": (SQUARE.replace(TEX_INDEX, TEX_INDEX * 2), "a second list 'texCoordIndex'"),
    "texture on one shape": (SQUARE + BARE, "1 of its 2 shapes have texture coordinates"),
    "points of another": (
        SQUARE + BARE.replace("Coordinate {", "USE c {"),
        r"line 11: 'coord USE' takes points of another node",
    ),
    "uvs of another": (SQUARE.replace(TEX_COORD, "texCoord USE t"), "line 6: 'texCoord USE' takes"),
    "one line": (SQUARE.replace("1 1 0, 0 1e0 0", "2 0 0, 3 0 0"), "zero-area scan: its 2 triang"),
    "one point": (SQUARE.replace("0, 1, 2, 3", "1, 1, 1, 1"), "zero-area scan"),
}


@BOTH_WAYS
@pytest.mark.parametrize(("text", "match"), FAULTS.values(), ids=FAULTS)
def test_a_damaged_scan_is_one_clear_error(
    tmp_path: Path, text: str, match: str, compiled: bool
) -> None:
    path = write(tmp_path, HEAD + text)
    with pytest.raises(ScanError, match=match) as caught:
        read_vrml(path, compiled=compiled)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_do(tmp_path: Path, ending: str) -> None:
    text = HEAD + '# one\nWorldInfo { title "a\nb" }\n' + SQUARE.replace("1e0", "one")
    with pytest.raises(ScanError, match="line 7: coord points: 'one'"):
        read_vrml(write(tmp_path, text.replace("\n", ending)))


@pytest.mark.parametrize(
    ("move", "match"),
    [
        ("translation 0 0 1", "Transform with a translation"),
        ("rotation 0 1 0 1.57", "Transform with a rotation"),
        ("scale 1000, 1000, 1000", "Transform with a scale"),
        ("translation 0 nan 0", "Transform with a translation"),
        ("translation 0 0", "translation of a Transform needs 3 numbers"),
        ("scale IS size", "scale of a Transform needs 3 numbers"),
    ],
)
@pytest.mark.parametrize("is_last", [False, True])
def test_a_shape_that_is_moved_is_refused(
    tmp_path: Path, move: str, match: str, is_last: bool
) -> None:
    children = f"children [ Group {{ children [ {SQUARE} ] }} ]"
    text = f"Transform {{ {children} {move} }}" if is_last else f"Transform {{ {move} {children} }}"
    with pytest.raises(ScanError, match=match):
        read_vrml(write(tmp_path, HEAD + text))


def test_a_texture_that_is_moved_is_refused(tmp_path: Path) -> None:
    text = f"textureTransform TextureTransform {{ scale 1 -1 }} {SQUARE}"
    with pytest.raises(ScanError, match="line 2: a TextureTransform with a scale"):
        read_vrml(write(tmp_path, HEAD + text))


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"expected a VRML 2\.0 scan"):
        read_vrml(write(tmp_path, "#VRML V1.0 ascii\n"))
    with pytest.raises(ScanError, match="compressed with gzip"):
        read_vrml(write(tmp_path, gzip.compress((HEAD + SQUARE).encode())))


def test_a_missing_scan_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="the scan is missing"):
        read_vrml(tmp_path / "none.wrl")


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD)
    os.truncate(path, 3_000_000_000)  # takes no room on the disk
    with pytest.raises(ScanError, match=r"3000\.0 MB, the limit is 200 MB; .*--max-scan-mb"):
        read_vrml(path)
    with pytest.raises(ScanError, match=r"the limit is 0\.5 MB"):
        read_vrml(path, max_mb=0.5)


def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wrl")
    (tmp_path / "folder.wrl").mkdir()
    for path in (tmp_path / "pipe.wrl", tmp_path / "folder.wrl", Path("/dev/zero")):
        with pytest.raises(ScanError, match=r"is a (pipe or a device|folder); expected a regular"):
            read_vrml(path)
