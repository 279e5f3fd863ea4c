"""What the headers of ``.npy`` and ``.mat`` files say; no value is read into a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from fertools.doctor.masking import Masked, mask_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ArrayTally", "tally_mat", "tally_npy"]

_KINDS = {
    "b": "boolean",
    "i": "integer",
    "u": "unsigned integer",
    "f": "float",
    "c": "complex",
    "O": "Python object",
    "S": "bytes",
    "U": "string",
    "V": "structure",
    "M": "date",
    "m": "duration",
}
_CLASSES = (
    "double single cell struct logical char object sparse function opaque unknown int8 uint8 "
    "int16 uint16 int32 uint32 int64 uint64"
)
_MAX_ENTRIES = 12


@dataclass
class ArrayTally:
    """What the headers of some files say.

    Attributes:
        num_opened: How many were looked at.
        headers: Type, shape and order to files, the most frequent first.
        num_unreadable: Whose header cannot be read.
    """

    num_opened: int = 0
    headers: dict[Masked, int] = field(default_factory=dict)
    num_unreadable: int = 0


def tally_npy(paths: Iterable[Path]) -> ArrayTally:
    """Types, shapes and orders of NumPy files; strings' lengths are not said."""
    return _tally(paths, _describe_npy)


def tally_mat(paths: Iterable[Path]) -> ArrayTally:
    """Names (known ones), shapes and classes of the variables of MATLAB files."""
    return _tally(paths, _describe_mat)


def _tally(paths: Iterable[Path], describe: Callable[[Path], str]) -> ArrayTally:
    """Count equal descriptions."""
    tally, counts = ArrayTally(), Counter[Masked]()
    for path in paths:
        tally.num_opened += 1
        try:
            counts[Masked(describe(path))] += 1
        except Exception:  # whatever a reader makes of a damaged header: it is counted
            tally.num_unreadable += 1
    tally.headers = dict(counts.most_common(_MAX_ENTRIES))
    return tally


def _describe_npy(path: Path) -> str:
    """Type, shape and order by the header."""
    with path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        shape, is_fortran, dtype = _read_npy_header(stream, version)
    kind = _KINDS.get(dtype.kind, "unknown")
    size = "" if dtype.kind in "USVO" else f" of {dtype.itemsize} bytes"
    end = ", big-endian" if dtype.byteorder == ">" else ""
    order = ", Fortran order" if is_fortran else ""
    return f"{kind}{size}{end}, shape {tuple(shape)}{order}, version {version[0]}.{version[1]}"


def _read_npy_header(
    stream: BinaryIO, version: tuple[int, int]
) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """The header behind the magic bytes."""
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _describe_mat(path: Path) -> str:
    """Version and variables."""
    with path.open("rb") as stream:
        head = stream.read(128)
    if head[:19] == b"MATLAB 7.3 MAT-file":
        return "MATLAB 7.3 (HDF5), variables not looked at"
    from scipy.io import whosmat

    known = _CLASSES.split()
    version = "MATLAB 5" if head[:10] == b"MATLAB 5.0" else "MATLAB 4 or unknown"
    variables = [
        f"{mask_name(name)} {tuple(int(n) for n in shape)} {kind if kind in known else 'unknown'}"
        for name, shape, kind in whosmat(str(path))[:_MAX_ENTRIES]
    ]
    return f"{version}: " + ("; ".join(variables) or "no variable")
