"""Messages of our own readers without what they quote: only words that we wrote ourselves stay.

The closed list is drawn from the text of the readers' modules, so a new message needs no entry
here. A name that happens to be such a word says nothing; words that are labels are left out. No
number of a message stays: the line of a fault stands beside its path, where it is surely ours.
"""

from __future__ import annotations

import ast
import errno
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePath

from fertools.doctor.masking import LABEL_WORDS, Masked, mask_cell, mask_path, shape_of

__all__ = ["mask_error", "mask_message", "mask_place", "tells_of_labels"]

_PACKAGES = ("fertools.formats", "fertools.mesh", "fertools.pictures")
_LABELS = frozenset({*LABEL_WORDS, "non-face", "female", "male", "unsure"})
_LABEL_TALK = frozenset(
    f"{word}{end}" for word in ("code", "label", "expression", "class") for end in ("", "s", "es")
)
_FIRST_NAMES = frozenset({"al", "max"})
_OWN_NAMES = """
    BU-3DFE Multi-PIE RAF-DB AffectNet VRML IndexedFaceSet Coordinate TextureCoordinate Transform
    TextureTransform ImageTexture USE DEF JPEG PNG BMP TIFF GIF WebP CSV MB UTF-8 F3D RAW
    coordIndex texCoordIndex texCoord EmoLabel Image Kaggle No s
"""
_NAMES = frozenset(_OWN_NAMES.split())
_ERRORS = (errno.EACCES, errno.ENOENT, errno.EIO, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR)
_MAX_LENGTH = 400

_LITERAL_QUOTE = re.compile(r"(?<![^\s(=])'([^'\n]{1,60})'(?!\w)")
_WORD = r"[^\W\d_]+(?:[-'][^\W\d_]+)*"
_PLACE = re.compile(r"(.+\.[A-Za-z]{3,4}), line (\d{1,7})", re.DOTALL)
_LINE = re.compile(r"line (\d{1,7})(?::? |$)(.*)", re.DOTALL)
_FILE_AND_LINE = re.compile(r"(.+?): (line \d{1,7}[: ].*)", re.DOTALL)
_TOKEN = re.compile(
    rf"""
    (?P<quote>(?<!\w)b?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?!\w))
    | (?P<open>(?<!\w)b?['"].*)
    | (?P<path>[^\s'"]*[/\\][^\s'"]*)
    | (?P<number>\d+(?:[.,]\d+)*(?![\w*]))
    | (?P<name>[\w.*-]*[\d_][\w.*-]*)
    | (?P<word>{_WORD})
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def mask_message(text: str, root: Path | None = None) -> Masked:
    """A message of a reader with names, values, quotations and all numbers masked.

    Behind a quotation that is not closed, because the reader cut it, nothing is told.

    Args:
        text: The message.
        root: The data set's folder, which becomes ``<root>``.

    Example:
        >>> mask_message("label 'glad'; expected 1 to 7"), mask_message("is 'Anna from 1975")
        ("label 'a'; expected N to N", "is '…")
    """
    said = " ".join(text.split())
    for folder in _ways_to(root):
        said = said.replace(folder, "\0")
    return Masked(_TOKEN.sub(_replace, said[:_MAX_LENGTH]).replace("\0", "<root>"))


def mask_place(place: str, reason: str = "", root: Path | None = None) -> Masked:
    """A path below the root, perhaps with a line, and what is wrong there.

    Args:
        place: The path, and perhaps ``, line N``.
        reason: What a reader says; its ``line N`` at the start is told with the path.
        root: The data set's folder.

    Example:
        >>> mask_place("EmoLabel/list_patition_label.txt, line 12")
        'EmoLabel/list_patition_label.txt, line 12'
        >>> mask_place("a.txt", "line 3 has 5 cells")
        'a.txt, line 3: has N cells'
    """
    found = _PLACE.fullmatch(place)
    path, line = found.groups() if found else (place, None)
    at_start = None if line else _LINE.fullmatch(reason)
    if at_start is not None:
        line, reason = at_start.groups()
    where = mask_path(PurePath(path)) + (f", line {line}" if line else "")
    return Masked(f"{where}: {mask_message(reason, root)}" if reason else where)


def mask_error(text: str, root: Path) -> Masked:
    """The message of a reader that gave up: as a fault, where it begins with a file and a line."""
    match = _FILE_AND_LINE.fullmatch(text)
    if match is None or not os.path.isfile(match[1]):  # noqa: PTH113 - Path.is_file may raise
        return mask_message(text, root)
    try:
        place = Path(match[1]).relative_to(root).as_posix()
    except ValueError:
        return mask_message(text, root)
    return Masked(f"<root>/{mask_place(place, match[2], root)}")


def tells_of_labels(reason: str) -> bool:
    """Whether what a reader counts may be how often a label occurs."""
    words = {word.lower() for word in re.findall(_WORD, reason)}
    return not words.isdisjoint(_LABELS | _LABEL_TALK)


def _ways_to(root: Path | None) -> list[str]:
    """How a message may write the root, the longest way first."""
    if root is None:
        return []
    ways = {str(root), root.as_posix(), str(root.absolute()), os.path.realpath(root)}
    return sorted((way for way in ways if len(way) > 1), key=len, reverse=True)


def _replace(match: re.Match[str]) -> str:
    """What stands for one piece of a message."""
    kind, text = match.lastgroup, match[0]
    words, quotes = _own_text()
    if kind == "number":
        return "N"
    if kind == "open":
        return text.lstrip("b")[0] + "…"
    if kind == "quote":
        text = text.lstrip("b")
        inner = text[1:-1]
        return text if inner in quotes else f"{text[0]}{mask_cell(inner)}{text[0]}"
    if kind == "word":
        return text if text in words or text in _NAMES else _shape_of_words(text)
    if kind in ("path", "name"):
        return text if text in _NAMES else _mask_joined(text)
    return text if text in " \0.,;:()=-–…'*+" else "?"


def _mask_joined(text: str) -> str:
    """A path or a name with the signs that end it in a sentence."""
    core = text.rstrip(".,;:()")
    number = re.fullmatch(r"[-(]*[\d.,]+", core) is not None
    root = "\0" if core.startswith("\0") else ""
    return root + ("N" if number else mask_cell(core.removeprefix("\0"))) + text[len(core) :]


def _shape_of_words(text: str) -> str:
    """The shape of words that hyphens or apostrophes join."""
    return re.sub(r"[^\W\d_]+", lambda match: shape_of(match[0]), text)


@cache
def _own_text() -> tuple[frozenset[str], frozenset[str]]:
    """The words in small letters of our readers' messages, and what they quote themselves."""
    words: set[str] = set()
    quotes: set[str] = set()
    texts = [os.strerror(number).lower() for number in _ERRORS]
    texts += [text for path in _sources() for text in _literals(path)]
    for text in texts:
        words.update(w for w in re.findall(_WORD, text) if w.islower() and w.isascii())
        quotes.update(_LITERAL_QUOTE.findall(text))
    return frozenset(words - _LABELS - _FIRST_NAMES), frozenset(quotes - _LABELS)


def _sources() -> list[Path]:
    """The files of the readers' modules; empty where there are none, and then all is masked."""
    paths: list[Path] = []
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        paths += sorted(origin.parent.glob("*.py")) if origin.stem == "__init__" else [origin]
    return [path for path in paths if path.is_file()]


def _literals(path: Path) -> list[str]:
    """The sentences in a module: no docstring, and no single word, which may be a label."""
    tree = ast.parse(path.read_bytes())
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value.strip()
        and id(node) not in documentation
    ]
