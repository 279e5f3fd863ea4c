"""Landmark files of BU-3DFE: ``.bnd`` (83 points on the F3D mesh) and ``.pse`` (RAW frame)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError
from fertools.mesh.files import size_of_file

__all__ = ["BND_COUNT", "BndLandmarks", "read_bnd", "read_pse"]

BND_COUNT = 83
_MIN_PSE_COUNT = 8
_MAX_BYTES = 1_000_000
_MAX_NUMBER = 1e7  # a coordinate in millimetres, as of the mesh


@dataclass(frozen=True)
class BndLandmarks:
    """The landmarks of one F3D scan.

    Attributes:
        indices: Shape ``(83,)``, 0-based vertex numbers of the F3D mesh.
        points: Shape ``(83, 3)``, millimetres, in the F3D mesh's own frame.
    """

    indices: npt.NDArray[np.int32]
    points: npt.NDArray[np.float64]


def read_bnd(path: Path) -> BndLandmarks:
    """Read a ``.bnd`` file: 83 lines of a vertex number and x y z, parted by any blanks.

    Raises:
        ScanError: If it is missing, has not 83 lines, or a line is not four numbers.
    """
    indices, points = _read_points(path, "landmarks")
    if len(points) != BND_COUNT:
        raise ScanError(
            f"{path}: has {len(points)} landmarks, expected {BND_COUNT}; unpack the file again"
        )
    return BndLandmarks(indices, points)


def read_pse(path: Path) -> npt.NDArray[np.float64]:
    """Read a ``.pse`` file: at least 8 lines of an integer and x y z, in the RAW frame.

    Returns:
        Shape ``(K, 3)``, K at least 8, millimetres.

    Raises:
        ScanError: If it is missing, has fewer lines, or a line is not four numbers.
    """
    _, points = _read_points(path, "pose points")
    if len(points) < _MIN_PSE_COUNT:
        raise ScanError(
            f"{path}: has {len(points)} pose points, expected {_MIN_PSE_COUNT} or more; "
            "unpack the file again"
        )
    return points


def _read_points(path: Path, what: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Lines of one integer and three coordinates; blank lines do not count."""
    indices: list[int] = []
    points: list[list[float]] = []
    for number, line in enumerate(_read_lines(path, what), start=1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            if "_" in line:
                raise ValueError("Python's numbers may have it, a file's may not")
            index, x, y, z = tokens
            indices.append(int(index))
            points.append([float(x), float(y), float(z)])
        except ValueError as error:
            raise ScanError(
                f"{path}: line {number}: {line.strip()[:60]!r}; expected a vertex number and x y z"
            ) from error
        if not 0 <= indices[-1] < 2**31:
            raise ScanError(
                f"{path}: line {number}: vertex number {tokens[0][:20]} is out of range; expected "
                "0 or more"
            )
        if not all(abs(value) <= _MAX_NUMBER for value in points[-1]):  # nor is a NaN
            raise ScanError(
                f"{path}: line {number}: a coordinate is not finite or beyond 1e7; unpack the file "
                "again"
            )
    array = np.array(points, dtype=np.float64).reshape(-1, 3)
    return np.array(indices, dtype=np.int32), array


def _read_lines(path: Path, what: str) -> list[str]:
    """The lines of a small text file."""
    if size_of_file(path, f"the file of {what}") > _MAX_BYTES:
        raise ScanError(f"{path}: larger than {_MAX_BYTES:,} bytes; expected a list of {what}")
    try:
        return path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise ScanError(f"{path}: is not plain text; expected a list of {what}") from error
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
