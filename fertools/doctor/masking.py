"""Names without what they say: the only way by which text of a folder comes into a report.

Whatever stands in a report is a number, a word of ours, or a :data:`Masked` string, which the
functions here make. They work by a closed list: a word that is not in it becomes its shape, so that
a person's name, a label or a home folder cannot come out, whatever it is.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NewType

from fertools.expressions import EXPRESSIONS

__all__ = ["LABEL_WORDS", "Masked", "cut_masked", "mask_cell", "mask_name", "mask_path", "shape_of"]

Masked = NewType("Masked", str)
"""Text that may be pasted into a public page; made in this package only."""

_OTHER_LABELS = """
    angry disgusted fearful afraid happy sad surprised none uncertain nonface
"""
LABEL_WORDS = frozenset([*EXPRESSIONS, *_OTHER_LABELS.split()])
"""Words that name an expression, or say that there is none; never printed."""

_MAX_PATTERN = 100
_KEPT_SIGNS = "_-. (),+=@~*"

_LAYOUT_WORDS = """
    session multiview highres movie meta data multi pie mpie labels label lm subject list
    emolabel patition partition image images original aligned annotation annotations auto manual
    boundingbox attri manu basic compound train test valid validation training set dataset
    manually automatically annotated file lists compressed affectnet raf db bu dfe part path
    pose occlusion landmarks landmark
"""
_COLUMN_WORDS = """
    subdirectory filepath face facial width height expression valence arousal number usage name
    birthyear gender yaw pitch roll confidence
"""
_OTHER_WORDS = "synthetic readme licence license manifest thumbs desktop macosx store"
_ENDINGS = """
    wrl bnd pse bmp png jpg jpeg tif tiff gif webp obj txt csv npy mat pos zip rar tar gz pdf db
    ini md yml yaml json
"""
_SHORT = "val exp lnd aro pts x y z Rx Ry Rz id ds"

_WORDS = frozenset(f"{_LAYOUT_WORDS} {_COLUMN_WORDS} {_OTHER_WORDS} {_ENDINGS}".split())
_SHORT_WORDS = frozenset([*_SHORT.split(), *_SHORT.upper().split()])

_TOKEN = re.compile(
    r"""
    (?<![^\W_])(?P<hex>(?=\d*[a-f]|\d*[A-F])[0-9a-fA-F]{16,})(?![^\W_])
    | (?P<code>AN|DI|FE|HA|NE|SA|SU|an|di|fe|ha|ne|sa|su)(?P<level>[0-9]+)
      (?P<group>WH|BL|LA|AE|AM|IN|wh|bl|la|ae|am|in)(?![^\W_])
    | (?<![^\W_])(?P<mesh>F3Dsur|F3D|F2D|RAW|f3d|f2d|raw|3DFE)(?![^\W_])
    | (?<![^\W_])(?P<sex>[FMfm])(?=[0-9])
    | (?P<letters>[^\W\d_]+)
    | (?P<digits>\d+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def mask_name(name: str) -> Masked:
    """The pattern of a file's or folder's name.

    Runs of digits become ``#`` with their length, hashes ``<hex N>``; the codes of BU-3DFE become
    ``<EX>`` and ``<ETH>``, its first letter ``[FM]``, in capitals or small letters as they are.
    Known words are kept; of other letters only their case is, and signs beyond the usual ones
    become ``?``.

    Example:
        >>> mask_name("F0001_AN01WH_F3D.wrl"), mask_name("Anna-Lena's scan 07.jpeg")
        ('[FM]#{4}_<EX>#{2}<ETH>_F3D.wrl', 'Aa-Aa?a a #{2}.jpeg')
    """
    return cut_masked(_TOKEN.sub(_replace, name), _MAX_PATTERN)


def mask_path(path: PurePath) -> Masked:
    """The patterns of a relative path's parts, joined by ``/``.

    Example:
        >>> mask_path(PurePath("session01/multiview/017/01/05_1"))
        'session#{2}/multiview/#{3}/#{2}/#{2}_#{1}'
    """
    return Masked("/".join(mask_name(part) for part in path.parts))


def mask_cell(cell: str) -> Masked:
    """The pattern of a cell in a list, which may be a path.

    Example:
        >>> mask_cell("459/81456263be241927c7a59a26.jpg")
        '#{3}/<hex 24>.jpg'
    """
    return Masked("/".join(mask_name(part) for part in cell[:1000].split("/")))


def cut_masked(text: str, limit: int) -> Masked:
    """Masked text of a limited length, cut between words."""
    return Masked(text if len(text) <= limit else re.sub(r"\w*$", "", text[:limit]) + "…")


def shape_of(letters: str) -> str:
    """The case of letters, without how many there are.

    Example:
        >>> shape_of("McAdam"), shape_of("ß"), shape_of("名")
        ('AaAa', 'a', 'x')
    """
    kinds = ("A" if c.isupper() else "a" if c.islower() else "x" for c in letters)
    return re.sub(r"(.)\1+", r"\1", "".join(kinds))


def _replace(match: re.Match[str]) -> str:
    """What stands for one piece of a name."""
    kind, text = match.lastgroup, match[0]
    if kind == "letters":
        return text if _is_known(text) else shape_of(text)
    if kind == "digits":
        return f"#{{{len(text)}}}"
    if kind == "other":
        return text if text in _KEPT_SIGNS else "?"
    if kind == "hex":
        return f"<hex {len(text)}>"
    if kind == "sex":
        return "[FM]" if text.isupper() else "[fm]"
    if kind == "group":
        code = "<EX>" if match["code"].isupper() else "<ex>"
        group = "<ETH>" if match["group"].isupper() else "<eth>"
        return f"{code}#{{{len(match['level'])}}}{group}"
    return text  # the kinds of mesh


def _is_known(word: str) -> bool:
    """Whether a run of letters is one of the words that layouts are made of."""
    return word in _SHORT_WORDS or word.lower() in _WORDS
