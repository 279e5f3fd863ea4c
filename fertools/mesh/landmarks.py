"""Landmark files of BU-3DFE: ``.bnd`` (83 points on the F3D mesh) and ``.pse`` (RAW frame)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError

__all__ = ["BND_COUNT", "BndLandmarks", "read_bnd", "read_pse"]

BND_COUNT = 83
_MIN_PSE_COUNT = 8
_MAX_BYTES = 1_000_000


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
    """Lines of one integer and three finite numbers; blank lines do not count."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ScanError(f"{path}: larger than {_MAX_BYTES} bytes; expected a list of {what}")
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError as error:
        raise ScanError(f"{path}: the file of {what} is missing") from error
    except UnicodeDecodeError as error:
        raise ScanError(f"{path}: is not plain text; expected a list of {what}") from error
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    indices: list[int] = []
    points: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            index, x, y, z = tokens
            indices.append(int(index))
            points.append([float(x), float(y), float(z)])
        except ValueError as error:
            raise ScanError(
                f"{path}: line {number}: {line.strip()[:60]!r}; expected a vertex number and x y z"
            ) from error
    array = np.array(points, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(array).all():
        raise ScanError(f"{path}: a coordinate is not finite; unpack the file again")
    if indices and not 0 <= min(indices) <= max(indices) < 2**31:
        raise ScanError(f"{path}: a vertex number is out of range; expected 0 or more")
    return np.array(indices, dtype=np.int32), array
