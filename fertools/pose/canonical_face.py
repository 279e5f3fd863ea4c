"""Where the 468 points of the face mesh network lie on a head, in three dimensions.

Measured, not drawn: the network looked at renders of stand-in heads whose rotation and camera are
known, and each point is the place that its pictures agree on best (least squares over all rays,
the heads brought to one size, both sides made alike). The numbers stand in
``data/canonical_face.json``; ``benchmarks/canonical_face.py`` makes that file again. They are
synthetic: nobody was measured.

Coordinates are those of :mod:`fertools.geometry` in millimetres, with the origin in the middle of
the head, as in :mod:`fertools.pose.face_shape`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray

__all__ = ["NUM_POINTS", "CanonicalFace", "canonical_face", "canonical_face_digest"]

NUM_POINTS = 468

_PATH = Path(__file__).parent / "data" / "canonical_face.json"


@dataclass(frozen=True)
class CanonicalFace:
    """The mean face of the mesh.

    Attributes:
        points: Shape ``(468, 3)``, mm.
        spread: Shape ``(468,)``, mm: how far a coordinate was from there, the median over renders:
            small where faces are rigid and alike, large at mouth, jaw and cheeks.
        mirror: Shape ``(468,)``: which point each becomes in a mirrored picture.
    """

    points: FloatArray
    spread: FloatArray
    mirror: npt.NDArray[np.int64]


@cache
def canonical_face() -> CanonicalFace:
    """The face, read once."""
    numbers = json.loads(_PATH.read_text(encoding="utf-8"))
    return CanonicalFace(
        np.array(numbers["points"], dtype=np.float64),
        np.array(numbers["spread"], dtype=np.float64),
        np.array(numbers["mirror"], dtype=np.int64),
    )


@cache
def canonical_face_digest() -> str:
    """First twelve digits of the SHA-256 of the numbers' file."""
    return hashlib.sha256(_PATH.read_bytes()).hexdigest()[:12]
