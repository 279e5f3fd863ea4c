"""How a VRML scan is written: its header with everything masked, its nodes and lists of numbers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from fertools.doctor.masking import Masked, cut_masked, shape_of

__all__ = ["NumberBlock", "ScanText", "describe_scan"]

_MAX_BYTES = 64_000_000
_MAX_HEADER_LINES = 45
_MAX_LINE = 110
_MAX_WORDS = 400

_VRML_WORDS = """
    VRML V1.0 V2.0 ascii utf8 DEF USE PROTO ROUTE TO NULL TRUE FALSE Group Transform Separator
    children translation rotation scale scaleOrientation center bboxCenter bboxSize Shape
    appearance Appearance material Material ambientIntensity diffuseColor specularColor
    emissiveColor shininess transparency texture Texture2 ImageTexture url filename repeatS
    repeatT textureTransform TextureTransform geometry IndexedFaceSet coord Coordinate
    Coordinate3 point coordIndex texCoord TextureCoordinate TextureCoordinate2 texCoordIndex
    textureCoordIndex ccw solid convex creaseAngle normal Normal vector normalIndex
    normalPerVertex color Color colorIndex colorPerVertex ShapeHints vertexOrdering shapeType
    faceType Viewpoint position orientation fieldOfView description jump NavigationInfo type
    headlight speed avatarSize visibilityLimit WorldInfo title info Background skyColor skyAngle
    groundColor DirectionalLight PointLight SpotLight on intensity direction location
"""
_KEYWORDS = frozenset(_VRML_WORDS.split())
_MAGIC = re.compile(r"#VRML V[12]\.0 (?:utf8|ascii)")
_NUMBER = re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?")
_PIECE = re.compile(
    r"""(?P<comment>\#[^\r\n]*) | (?P<string>"(?:[^"\\]|\\.)*"?) | (?P<bracket>[{}\[\]])
    | (?P<blank>[\s,]+) | (?P<word>[^\s,{}\[\]"\#]+)""",
    re.VERBOSE | re.DOTALL,
)
_LIST = re.compile(r"\[([^\[\]{}\"#A-DF-Za-df-z]*)\]")


@dataclass(frozen=True)
class NumberBlock:
    """One list of numbers.

    Attributes:
        name: The words before its bracket, keywords kept.
        num_numbers: How many numbers it has.
        num_lines: How many lines it takes.
        numbers_a_line: Numbers to lines, the most frequent first.
        has_commas: Whether commas part them.
        has_exponents: Whether any is written like 1e-5.
        decimals: Digits behind the point, the fewest and the most.
        begins_on_line_of_bracket: Whether the first number stands on the line of the bracket.
        closing: How many blanks stand before the closing bracket on its line.
        polygons: Corners to polygons, where the list has -1 as numbers of polygons have.
        lowest: The lowest number of a list of polygons, -1 left out, as 0 or 1 tells how it counts:
            ``0``, ``1`` or ``another``; None without polygons.
    """

    name: Masked
    num_numbers: int
    num_lines: int
    numbers_a_line: dict[int, int]
    has_commas: bool
    has_exponents: bool
    decimals: tuple[int, int]
    begins_on_line_of_bracket: bool
    closing: int
    polygons: dict[int, int]
    lowest: Literal["0", "1", "another"] | None


@dataclass(frozen=True)
class ScanText:
    """How a scan's file is written.

    Attributes:
        num_bytes: Its size.
        is_cut: Whether only the first 64 MB were looked at.
        line_ends: ``LF``, ``CRLF``, ``CR`` or ``mixed``.
        header: The lines to the first list of numbers, masked.
        first_list_line: The line of the first list's bracket, from 1; None without any.
        nodes: Keywords and brackets in their order, lists of numbers as ``[…]``.
        blocks: The lists of numbers of four and more.
        num_comments: Comments behind the first line.
        num_strings: Strings.
        has_own_texture_numbers: Whether texCoordIndex differs from coordIndex; None if one is not
            there.
        ends_closed: Whether as many brackets are closed as opened.
    """

    num_bytes: int
    is_cut: bool
    line_ends: str
    header: tuple[Masked, ...]
    first_list_line: int | None
    nodes: Masked
    blocks: tuple[NumberBlock, ...]
    num_comments: int
    num_strings: int
    has_own_texture_numbers: bool | None
    ends_closed: bool


def describe_scan(path: Path) -> ScanText:
    """Describe how a VRML file is written.

    Raises:
        OSError: If it cannot be read.
    """
    num_bytes = path.stat().st_size
    with path.open("rb") as stream:
        raw = stream.read(_MAX_BYTES)
    text = raw.decode("latin-1")
    lists = [match for match in _LIST.finditer(text) if len(match[1].split()) >= 4]
    start = lists[0].start() if lists else len(text)
    outline = _outline(text, lists)
    pieces = Counter(m.lastgroup for m in _PIECE.finditer(outline))
    blocks: list[NumberBlock] = []
    indices: dict[str, npt.NDArray[np.int64] | None] = {}
    for match in lists:
        block, numbers = _describe_list(text, match)
        blocks.append(block)
        indices.setdefault(block.name.split(" ")[-1], numbers)
    return ScanText(
        num_bytes=num_bytes,
        is_cut=num_bytes > len(raw),
        line_ends=_line_ends(text),
        header=_mask_header(text[: start + 1]),
        first_list_line=_line_of(text, start) if lists else None,
        nodes=_mask_nodes(outline),
        blocks=tuple(blocks),
        num_comments=pieces["comment"] - outline.startswith("#"),
        num_strings=pieces["string"],
        has_own_texture_numbers=_differ(indices.get("coordIndex"), indices.get("texCoordIndex")),
        ends_closed=outline.count("{") == outline.count("}")
        and outline.count("[") == outline.count("]"),
    )


def _outline(text: str, lists: list[re.Match[str]]) -> str:
    """The text with its lists of numbers left out."""
    parts, position = [], 0
    for match in lists:
        parts += [text[position : match.start(1)], " "]
        position = match.end(1)
    return "".join([*parts, text[position:]])[:2_000_000]


def _line_ends(text: str) -> str:
    """How lines end."""
    both = text.count("\r\n")
    counts = {"CRLF": both, "LF": text.count("\n") - both, "CR": text.count("\r") - both}
    found = [name for name, count in counts.items() if count]
    return found[0] if len(found) == 1 else "mixed" if found else "none"


def _line_of(text: str, place: int) -> int:
    """Number of a line, from 1."""
    return len(re.findall(r"\r\n|\n|\r", text[:place])) + 1


def _mask_header(text: str) -> tuple[Masked, ...]:
    """The first lines, each piece masked by its kind."""
    masked = "".join(_mask_piece(match) for match in _PIECE.finditer(text[:200_000]))
    lines = re.split(r"\r\n|\n|\r", masked)
    return tuple(cut_masked(line, _MAX_LINE) for line in lines[:_MAX_HEADER_LINES])


def _mask_piece(match: re.Match[str]) -> str:
    """What stands for a comment, a string, a word; blanks and brackets are kept."""
    kind, text = match.lastgroup, match[0]
    if kind == "comment":
        magic = _MAGIC.match(text) if match.start() <= 3 else None  # behind a byte order mark
        if magic is None:
            return "#<comment>"
        return magic[0] + (" <more>" if text[magic.end() :].strip() else "")
    if kind == "string":
        return '"<string>"' if text.endswith('"') and len(text) > 1 else '"<not closed>'
    return _mask_word(text) if kind == "word" else _mask_blank(text) if kind == "blank" else text


def _mask_blank(text: str) -> str:
    """Blanks as they are, rare ones as usual ones."""
    return re.sub(r"[^\r\n\t, ]", " ", text)


def _mask_word(word: str) -> str:
    """A keyword as it is, a number as N, another word as its shape."""
    if word in _KEYWORDS:
        return word
    if _NUMBER.fullmatch(word):
        return "N"
    return re.sub(
        r"[^\W\d_]+|\d+|[^\w\-.:]|_",
        lambda m: shape_of(m[0]) if m[0].isalpha() else "N" if m[0].isdigit() else "_",
        word[:60],
    )


def _mask_nodes(outline: str) -> Masked:
    """Words and brackets without comments, strings and numbers."""
    words: list[str] = []
    for match in _PIECE.finditer(outline):
        kind, text = match.lastgroup, match[0]
        if kind == "word":
            word = _mask_word(text)
            if not (word == "N" and words and words[-1] == "N"):
                words.append(word)
        elif kind == "bracket":
            words.append(text)
        elif kind == "string":
            words.append('"…"')
        if len(words) >= _MAX_WORDS:
            words.append("…")
            break
    return Masked(" ".join(words).replace("[ ]", "[…]") or "–")


def _describe_list(
    text: str, match: re.Match[str]
) -> tuple[NumberBlock, npt.NDArray[np.int64] | None]:
    """How a list is written, and its numbers where they are those of polygons."""
    body = match[1]
    lines = re.split(r"\r\n|\n|\r", body)
    counts = Counter(len(line.replace(",", " ").split()) for line in lines)
    counts.pop(0, None)
    tokens = body.replace(",", " ").split()
    before = re.split(r'["\]}]', text[max(0, match.start() - 120) : match.start()])[-1]
    words = [m[0] for m in _PIECE.finditer(before) if m.lastgroup == "word"]
    name = " ".join(map(_mask_word, words[-2:]))
    index = _whole_numbers(tokens)
    polygons: dict[int, int] = {}
    lowest: Literal["0", "1", "another"] | None = None
    if index is not None and (index == -1).any():
        ends = np.flatnonzero(index == -1)
        sizes = np.diff(ends, prepend=-1) - 1
        polygons = dict(sorted(Counter(sizes.tolist()).items())[:12])
        others = index[index != -1]
        if len(others):
            least = int(others.min())
            lowest = "0" if least == 0 else "1" if least == 1 else "another"
    decimals = [len(t.partition(".")[2]) for t in tokens[:3000] if "e" not in t.lower()] or [0]
    block = NumberBlock(
        name=Masked(name),
        num_numbers=len(tokens),
        num_lines=len(lines),
        numbers_a_line=dict(counts.most_common(5)),
        has_commas="," in body,
        has_exponents="e" in body or "E" in body,
        decimals=(min(decimals), max(decimals)),
        begins_on_line_of_bracket=bool(lines[0].strip(" \t,")),
        closing=len(lines[-1]) - len(lines[-1].rstrip(" ")),
        polygons=polygons,
        lowest=lowest,
    )
    return block, index


def _whole_numbers(tokens: list[str]) -> npt.NDArray[np.int64] | None:
    """The tokens as whole numbers; None if they are none."""
    try:
        return np.array([int(token) for token in tokens], dtype=np.int64)
    except (ValueError, OverflowError):
        return None


def _differ(one: npt.NDArray[np.int64] | None, other: npt.NDArray[np.int64] | None) -> bool | None:
    """Whether two lists of polygons have other numbers."""
    return None if one is None or other is None else not np.array_equal(one, other)
