"""Where the lists of numbers stand in the text of a VRML 2.0 file.

Comments and the insides of strings are blanked out, so that every place stays what it is in the
file. Then the words outside of the lists are walked through, with the brackets that are open: a
list belongs to the shape whose node encloses it, in whatever order they come. The numbers
themselves are not looked at here. Whatever the file holds, each byte is passed a few times only,
and what takes a step of the interpreter is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from fertools.errors import ScanError

__all__ = ["NumberList", "Shape", "VrmlText", "find_shapes"]

_MAX_PIECES = 1_000_000  # comments, strings and quotes within strings
_MAX_WORDS = 200_000

_TOKEN = re.compile(rb'[\s,]*+([^\s,{}\[\]"]++|[{}\[\]"])')
_BLANK = bytes(b if b in b"\r\n" else 0x20 for b in range(256))  # lines stay countable
_SHAPE = b"IndexedFaceSet"
_LISTS = {  # by the enclosing nodes, the inner one last, and the field
    (_SHAPE, b"Coordinate", b"point"): "coord points",
    (_SHAPE, b"TextureCoordinate", b"point"): "texCoord points",
    (_SHAPE, b"coordIndex"): "coordIndex",
    (_SHAPE, b"texCoordIndex"): "texCoordIndex",
}
_MOVES = {  # how many numbers a field of a node has, and what each is where nothing moves
    (b"Transform", b"translation"): (3, 0.0),
    (b"Transform", b"rotation"): (4, 0.0),
    (b"Transform", b"scale"): (3, 1.0),
    (b"TextureTransform", b"translation"): (2, 0.0),
    (b"TextureTransform", b"rotation"): (1, 0.0),
    (b"TextureTransform", b"scale"): (2, 1.0),
}


@dataclass(frozen=True)
class NumberList:
    """A list of numbers: its name for messages, its first byte, its closing bracket."""

    name: str
    start: int
    stop: int


@dataclass
class Shape:
    """The lists of one IndexedFaceSet, by their names, and where it begins."""

    start: int
    lists: dict[str, NumberList] = field(default_factory=dict)


@dataclass(frozen=True)
class VrmlText:
    """A file with its comments and strings blanked out.

    Attributes:
        path: The file.
        text: As long as the file.
        shapes: In their order, one at least.
        texture_url: What the first ``ImageTexture`` names, or None.
    """

    path: Path
    text: bytearray
    shapes: tuple[Shape, ...]
    texture_url: str | None

    def line_at(self, place: int) -> int:
        """Number of the line that a byte stands in, from 1."""
        return _line_at(self.text, place)


def find_shapes(path: Path, text: bytearray) -> VrmlText:
    """Blank out comments and strings, and find the lists of every IndexedFaceSet.

    Args:
        path: The file, for messages.
        text: What it holds; is blanked out in place.

    Raises:
        ScanError: If a bracket or a string is not closed, a list is there twice, a shape is
            moved, scaled or turned, its points stand elsewhere (``USE``), or there is none.
    """
    walk = _Walk(path, text, _blank(path, text))
    walk.run()
    return VrmlText(path, text, tuple(walk.shapes), walk.texture_url)


def _line_at(text: bytearray, place: int) -> int:
    """Number of a line, from 1; a line ends with LF, CR or both."""
    returns = text.count(b"\r", 0, place) - text.count(b"\r\n", 0, place)
    return text.count(b"\n", 0, place) + returns + 1


def _find(text: bytearray, needle: bytes, start: int) -> int:
    """Where it is next; the length of the text where it is not."""
    place = text.find(needle, start)
    return len(text) if place < 0 else place


class _Finder:
    """Finds bytes from ever later places on; each is looked for once over the whole text."""

    def __init__(self, text: bytearray) -> None:
        self._text = text
        self._places: dict[bytes, int] = {}

    def next(self, needle: bytes, start: int) -> int:
        """Where it is next; the length of the text where it is not."""
        place = self._places.get(needle, -1)
        if place < start:
            place = self._places[needle] = _find(self._text, needle, start)
        return place


def _blank(path: Path, text: bytearray) -> dict[int, bytes]:
    """Write blanks over comments and what is in strings; the strings, by their first byte."""
    strings: dict[int, bytes] = {}
    pieces = iter(range(_MAX_PIECES))
    position, quote, mark, feed, back = 0, -1, -1, -1, -1
    for _ in pieces:  # a place that lies ahead is not looked for again
        if quote < position:
            quote = _find(text, b'"', position)
        if mark < position:
            mark = _find(text, b"#", position)
        if mark < quote:
            if feed < mark:
                feed = _find(text, b"\n", mark)
            if back < mark:
                back = _find(text, b"\r", mark)
            position = feed if feed < back else back
            text[mark:position] = b" " * (position - mark)
        elif quote < len(text):
            end = _end_of_string(path, text, quote, pieces)
            strings[quote + 1] = bytes(text[quote + 1 : end])
            text[quote + 1 : end] = strings[quote + 1].translate(_BLANK)
            position = end + 1
        else:
            return strings
    raise ScanError(f"{path}: has over {_MAX_PIECES:,} comments and strings; expected a scan")


def _end_of_string(path: Path, text: bytearray, quote: int, pieces: Iterator[int]) -> int:
    """Where the quote stands that closes a string; one behind a backslash does not."""
    end = quote
    for _ in pieces:
        start, end = end + 1, _find(text, b'"', end + 1)
        if end == len(text):
            raise ScanError(
                f"{path}: the string that begins in line {_line_at(text, quote)} is not closed by "
                "'\"'; the file is cut off or damaged: unpack it again"
            )
        piece = text[start:end]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 0:
            break
    return end


@dataclass
class _Open:
    """A bracket that is open.

    Attributes:
        name: The node's type, or the field of a list.
        start: Where the bracket stands.
        closing: The bracket that it waits for.
        shape: What an IndexedFaceSet has so far.
        num_shapes: How many shapes were found before it.
        moved: The field of a Transform that moves what is in it, and where that stands.
    """

    name: bytes
    start: int
    closing: bytes
    shape: Shape | None = None
    num_shapes: int = 0
    moved: tuple[str, int] | None = None


class _Walk:
    """A walk through the words outside of lists of numbers."""

    def __init__(self, path: Path, text: bytearray, strings: dict[int, bytes]) -> None:
        self._path, self._text, self._strings = path, text, strings
        self._finder = _Finder(text)
        self._position = 0
        self._num_words = 0
        self._open: list[_Open] = []
        self._word = b""  # the last one, unless a bracket came since
        self.shapes: list[Shape] = []
        self.texture_url: str | None = None

    def run(self) -> None:
        """Walk to the end."""
        while (match := self._next()) is not None:
            token, start = match[1], match.start(1)
            if token == b'"':
                self._pass_string(start)
            elif token == b"[":
                self._open_list(start)
            elif token == b"{":
                self._open_node(start)
            elif token in (b"}", b"]"):
                self._close(token, start)
            else:
                self._read_word(token, start)
        self._finish()

    def _next(self) -> re.Match[bytes] | None:
        """The next word or bracket; the walk goes on behind it."""
        match = _TOKEN.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
            self._num_words += 1
            if self._num_words > _MAX_WORDS:
                self._fail(f"has over {_MAX_WORDS:,} words outside of lists; expected a scan")
        return match

    def _fail(self, what: str, place: int | None = None) -> NoReturn:
        """Raise, with the line if a place is given."""
        where = "" if place is None else f" line {_line_at(self._text, place)}:"
        raise ScanError(f"{self._path}:{where} {what}")

    def _enclosing(self) -> tuple[bytes, ...]:
        """The names of the brackets that are open, the two inner ones."""
        return tuple(bracket.name for bracket in self._open[-2:])

    def _pass_string(self, start: int) -> None:
        """Go behind a string; keep it where it is the first texture's url."""
        end = self._finder.next(b'"', start + 1)
        names = self._enclosing()
        is_url = (*names[-1:], self._word) == (b"ImageTexture", b"url")
        if self.texture_url is None and (is_url or names == (b"ImageTexture", b"url")):
            self.texture_url = self._strings[start + 1].decode("utf-8", "replace")
        self._position = end + 1

    def _open_node(self, start: int) -> None:
        """Begin a node; the word before the bracket is its type."""
        bracket = _Open(self._word, start, b"}", num_shapes=len(self.shapes))
        if self._word == _SHAPE:
            bracket.shape = Shape(start)
            self.shapes.append(bracket.shape)
        self._open.append(bracket)
        self._word = b""

    def _open_list(self, start: int) -> None:
        """Begin a list; one of numbers is passed at once."""
        end = self._finder.next(b"]", start)
        enclosing = self._enclosing()
        known = _LISTS.get((*enclosing, self._word)) or _LISTS.get((*enclosing[-1:], self._word))
        is_nested = any(self._finder.next(mark, start + 1) < end for mark in (b"{", b"[", b'"'))
        if end == len(self._text) or (known is not None and is_nested):
            name = known or self._word[:40].decode("utf-8", "replace")
            self._fail(
                f"the list {name!r} is not closed by ']'; the file is cut off or damaged: unpack "
                "it again",
                start,
            )
        if known is not None:
            self._keep(NumberList(known, start + 1, end))
        if is_nested:
            self._open.append(_Open(self._word, start, b"]", num_shapes=len(self.shapes)))
        else:
            self._position = end + 1
        self._word = b""

    def _keep(self, numbers: NumberList) -> None:
        """Give a list to the shape around it."""
        shape = next(b.shape for b in reversed(self._open[-2:]) if b.shape is not None)
        if numbers.name in shape.lists:
            self._fail(
                f"a second list {numbers.name!r} in one IndexedFaceSet; the file is damaged",
                numbers.start,
            )
        shape.lists[numbers.name] = numbers

    def _close(self, token: bytes, start: int) -> None:
        """End a node or a list."""
        self._word = b""
        if not self._open:
            return  # one too many at the end takes nothing away
        bracket = self._open.pop()
        if token != bracket.closing:
            line = _line_at(self._text, bracket.start)
            self._fail(
                f"{token.decode()!r} where the bracket of line {line} needs "
                f"{bracket.closing.decode()!r}; the file is damaged",
                start,
            )
        self._refuse_moved(bracket)

    def _read_word(self, word: bytes, start: int) -> None:
        """Look at a word outside of lists for what would put the shape elsewhere."""
        before, self._word = self._word, word
        if not self._open or before == b"DEF":
            return
        bracket = self._open[-1]
        if word == b"USE" and bracket.shape is not None and before in (b"coord", b"texCoord"):
            self._fail(
                f"'{before.decode()} USE' takes points of another node, which is not supported; "
                "export the scan with the points in its IndexedFaceSet",
                start,
            )
        if (bracket.name, word) in _MOVES and not self._is_identity(bracket.name, word, start):
            bracket.moved = (word.decode(), start)
            if bracket.name == b"TextureTransform":
                self._fail(
                    f"a TextureTransform with a {word.decode()} is not supported; export the scan "
                    "with the texture coordinates it is to have",
                    start,
                )

    def _is_identity(self, node: bytes, name: bytes, start: int) -> bool:
        """Whether the numbers of a field leave everything where it is."""
        count, rest = _MOVES[node, name]
        values = []
        for _ in range(count):
            match = self._next()
            try:
                values.append(float(match[1] if match else b""))
            except ValueError:
                self._fail(f"{name.decode()} of a {node.decode()} needs {count} numbers", start)
        return all(value == rest for value in (values[-1:] if name == b"rotation" else values))

    def _refuse_moved(self, bracket: _Open) -> None:
        """Raise where a Transform has moved a shape within it."""
        if bracket.moved is not None and len(self.shapes) > bracket.num_shapes:
            name, place = bracket.moved
            self._fail(
                f"a Transform with a {name} around the shape is not supported; export the scan "
                "with its points where they belong",
                place,
            )

    def _finish(self) -> None:
        """Judge what is still open at the end, and whether a shape was found."""
        for bracket in self._open:
            self._refuse_moved(bracket)
        if not self.shapes:
            self._fail(
                "ends before the first IndexedFaceSet; the file is cut off: unpack it again"
                if self._open
                else "holds no IndexedFaceSet; unpack the file again"
            )
        for bracket in self._open:
            if bracket.shape is not None and len(bracket.shape.lists) < len(_LISTS):
                self._fail(
                    "the IndexedFaceSet is not closed by '}'; the file is cut off: unpack it again",
                    bracket.start,
                )
