"""Valid scans and many ways to damage them; part of ``fuzz_scans.py``."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

SUFFIXES = ("wrl", "bnd", "bmp")
Files = dict[str, bytes]


def dome(size: int, *, ring: int, textured: bool = True, end: bytes = b"\n") -> Files:
    """A dome of ``size`` x ``size`` vertices; polygons of ``ring`` corners, 3, 4 or 6."""
    g = np.linspace(-1.0, 1.0, size)
    x, y = np.meshgrid(g, g)
    z = np.sqrt(np.clip(2.0 - x**2 - y**2, 0.0, None))
    points = np.stack([70 * x, 85 * y, 45 * z], axis=-1).reshape(-1, 3)
    uvs = np.stack([(x + 1) / 2, (y + 1) / 2], axis=-1).reshape(-1, 2)
    wide = 2 if ring == 6 else 1
    polygons = []
    for row in range(size - 1):
        for column in range(0, size - wide, wide):
            low = [row * size + column + i for i in range(wide + 1)]
            loop = low + [i + size for i in reversed(low)]
            polygons += [loop] if ring != 3 else [loop[:3], [loop[0], *loop[2:]]]
    last = len(uvs) - 1

    def index(numbers: list[list[int]]) -> str:
        return ",\n".join(" ".join(map(str, [*polygon, -1])) for polygon in numbers)

    lines = [
        "#VRML V2.0 utf8",
        "# a comment with [ brackets ] and 1 2 3",
        'Shape { appearance Appearance { texture ImageTexture { url "face.bmp" } }',
        " geometry IndexedFaceSet { ccw TRUE solid FALSE",
        " coord Coordinate { point [",
        ",\n".join(f"{a:.3f} {b:.3f} {c:.3f}" for a, b, c in points),
        f"] }}\n coordIndex [\n{index(polygons)}\n]",
    ]
    if textured:
        backwards = index([[last - i for i in polygon] for polygon in polygons])
        pairs = ", ".join(f"{u:.5f} {v:.5f}" for u, v in uvs[::-1])
        lines += [f" texCoord TextureCoordinate {{ point [ {pairs} ] }}"]
        lines += [f" texCoordIndex [\n{backwards}\n]"]
    text = "\n".join([*lines, "} }\n"])
    picks = np.resize(np.arange(size * size), 83)
    marks = [f"{i}\t\t{points[i, 0]:.3f} {points[i, 1]:.3f} {points[i, 2]:.3f}" for i in picks]
    pixels = np.linspace(0, 255, 32 * 48 * 3).astype(np.uint8).reshape(32, 48, 3)
    return {
        "wrl": text.encode().replace(b"\n", end),
        "bnd": ("\n".join(marks) + "\n").encode(),
        "bmp": picture(pixels, "BMP"),
    }


def picture(pixels: np.ndarray, kind: str) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def standin(scratch: Path, seed: int) -> list[Files]:
    """A scan of the stand-in, if the head data are installed."""
    from fertools.errors import MissingExtraError
    from fertools.synth.bu3dfe import synthesise_bu3dfe

    with suppress(MissingExtraError):
        synthesise_bu3dfe(
            scratch / "set", subjects=1, seed=seed, raw=False, f2d=False, texture_size=64
        )
    wrls = sorted((scratch / "set").glob("*/*_F3D.wrl"))[:1]
    return [{s: wrl.with_suffix(f".{s}").read_bytes() for s in SUFFIXES} for wrl in wrls]


def valid_scans(scratch: Path, seed: int) -> list[Files]:
    domes = [
        dome(8, ring=4),
        dome(9, ring=6),
        dome(12, ring=3, end=b"\r\n"),
        dome(12, ring=4, textured=False),
        dome(40, ring=4, end=b"\r"),
    ]
    return domes + standin(scratch, seed)


WORDS = (
    b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"9.99e6", b"-1e7", b"1.5", b"-2",
    b"2147483648", b"99999999999999999999", b"-1", b"0", b"0x10", b"1_0", b"1e", b"--1", b"TRUE",
    b"word", b"[", b"]", b"{", b"}", b'"', b"#", b"# x\n", b",,,", b"\r", b"\0", b"\xef\xbb\xbf",
    b"\xff\xfe", "Gesicht ü 😀".encode(), b"point [", b"coordIndex [", b"texCoordIndex [ ]",
    b"Coordinate {", b"IndexedFaceSet {", b"coord USE c", b"DEF c", b"Transform {",
    b"Transform { translation 0 0 9 children [", b"TextureTransform { scale 2 2 }", b'url "../x"',
    b"1" * 400, b"0." + b"3" * 400, b"[" * 300, b'"' * 301, b"\\", b"normal Normal { vector [",
)  # fmt: skip
TOKEN = re.compile(rb"[^\s,]+")
BRACKET = re.compile(rb"[\[\]{}]")


def span(data: bytes, random: Random, longest: int = 400) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.randrange(longest))


def token(data: bytes, random: Random) -> tuple[int, int]:
    match = TOKEN.search(data, random.randrange(len(data) + 1)) or TOKEN.search(data)
    return match.span() if match else (0, 0)


def put(data: bytes, place: tuple[int, int], new: bytes) -> bytes:
    return data[: place[0]] + new + data[place[1] :]


def flip_bytes(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 3, 30)) if data else 0):
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flip_head(data: bytes, random: Random) -> bytes:
    return flip_bytes(data[:64], random) + data[64:]


def swap_tokens(data: bytes, random: Random) -> bytes:
    first, second = sorted((token(data, random), token(data, random)))
    if first[1] > second[0]:
        return data
    return put(put(data, second, data[slice(*first)]), first, data[slice(*second)])


def repeat_chunk(data: bytes, random: Random) -> bytes:
    start, stop = span(data, random)
    return put(data, (start, stop), data[start:stop] * random.choice((2, 3, 50)))


def drop_bracket(data: bytes, random: Random) -> bytes:
    places = [match.span() for match in BRACKET.finditer(data)]
    return put(data, random.choice(places), b"") if places else data


def change_number(data: bytes, random: Random) -> bytes:
    place = token(data, random)
    try:
        value = float(data[slice(*place)])
    except ValueError:
        return data
    factor = random.choice((0.0, -1.0, 1.01, 10.0, 1e3, 1e6, 1e-3, 1e-9))
    return put(data, place, random.choice((f"{value * factor:g}", f"{value + 1:g}")).encode())


def change_many(data: bytes, random: Random) -> bytes:
    for _ in range(40):
        data = change_number(data, random)
    return data


def scale_numbers(data: bytes, random: Random) -> bytes:
    """All fractions, that is all coordinates, by one factor: a scan in other units, or a dot."""
    factor = random.choice((0.0, 1e-12, 1e-6, 1e-3, 30.0, 1e4, 1e6))
    return re.sub(rb"-?\d+\.\d+", lambda m: b"%.6g" % (float(m[0]) * factor), data)


def flatten(data: bytes, random: Random) -> bytes:
    """All coordinates of one axis to one value: a sheet, seen from its edge in some view."""
    keep = random.randrange(3)
    rows = re.compile(rb"(-?\d+\.\d+) (-?\d+\.\d+) (-?\d+\.\d+)")
    return rows.sub(lambda m: b" ".join(b"0.0" if i == keep else m[i + 1] for i in range(3)), data)


def copy_block(data: bytes, random: Random) -> bytes:
    """A whole list or shape once more, elsewhere."""
    starts = [m.start() for m in re.finditer(rb"coord|texCoord|Shape|appearance", data)]
    if not starts:
        return data
    start = random.choice(starts)
    stop = random.choice([i for i in starts if i > start] or [len(data)])
    place = random.choice((start, stop, len(data), random.randrange(len(data))))
    return put(data, (place, place), data[start:stop])


def garbage(data: bytes, random: Random) -> bytes:
    after_head = data[:2] + random.randbytes(5000)
    return random.choice((b"", random.randbytes(300), after_head, b"\0" * 99))


def other_picture(data: bytes, random: Random) -> bytes:
    """A picture of another size or kind, perhaps damaged."""
    mode = random.choice(("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16"))
    size = (random.choice((1, 2, 7, 300)), random.choice((1, 3, 500)))
    buffer = BytesIO()
    kind = random.choice(("BMP", "PNG", "JPEG", "TIFF"))
    try:
        Image.new(mode, size).save(buffer, format=kind)
    except OSError:
        return data
    return buffer.getvalue() if random.random() < 0.5 else flip_bytes(buffer.getvalue(), random)


Way = Callable[[bytes, Random], bytes]
ANYWHERE: dict[str, Way] = {
    "flip bytes": flip_bytes,
    "cut off": lambda data, random: data[: random.randrange(len(data) + 1)],
    "leave out": lambda data, random: put(data, span(data, random), b""),
    "repeat": repeat_chunk,
    "insert bytes": lambda data, random: put(
        data, (span(data, random)[0],) * 2, random.randbytes(random.choice((1, 4, 40)))
    ),
}
IN_TEXT: dict[str, Way] = {
    "swap tokens": swap_tokens,
    "write over a token": lambda data, random: put(data, token(data, random), random.choice(WORDS)),
    "insert a word": lambda data, random: put(
        data, (token(data, random)[0],) * 2, random.choice(WORDS) + b" "
    ),
    "drop a token": lambda data, random: put(data, token(data, random), b""),
    "line ends": lambda data, random: data.replace(b"\n", random.choice((b"\r\n", b"\r", b" "))),
    "no commas": lambda data, random: data.replace(b",", random.choice((b" ", b", ,", b"#,\n"))),
}
IN_MESH: dict[str, Way] = {"drop a bracket": drop_bracket, "copy a block": copy_block}
IN_NUMBERS: dict[str, Way] = {  # most of these leave a scan that can be rendered
    "change a number": change_number,
    "change many": change_many,
    "scale": scale_numbers,
    "flatten": flatten,
}
IN_PICTURE: dict[str, Way] = {
    "flip the head": flip_head,
    "garbage": garbage,
    "other picture": other_picture,
}
SYNTAX = {
    "wrl": {**ANYWHERE, **IN_TEXT, **IN_MESH},
    "bnd": {**ANYWHERE, **IN_TEXT, "garbage": garbage},
    "bmp": {**ANYWHERE, **IN_PICTURE},
}
NUMBERS = {
    "wrl": IN_NUMBERS,
    "bnd": {"change a number": change_number},
    "bmp": {"flip": flip_bytes},
}


def damaged(scans: list[Files], seed: int, number: int) -> Files:
    """The files with a number: a valid scan, changed one to four times."""
    random = Random(f"{seed}/{number}")
    files = dict(random.choice(scans))
    ways = random.choice((SYNTAX, SYNTAX, NUMBERS))
    for _ in range(random.choice((1, 1, 2, 4))):
        suffix = random.choices(SUFFIXES, (7, 2, 2))[0]
        way = random.choice(list(ways[suffix].values()))
        files[suffix] = way(files[suffix], random)
    return files
