"""Where the 68 iBUG landmarks lie on a head, in three dimensions, and how heads differ.

A mean and a few linear modes, from stand-in heads of many shapes with all expressions, each scaled
about its centre to the size of the mean, none of them turned: a head's zero is how it was built.
The numbers stand in ``data/face_shape.json``; ``benchmarks/face_shape.py`` makes that file again.
They are synthetic: nobody was measured.

Coordinates are those of :mod:`fertools.geometry` in millimetres of the mean head. Their origin is
the middle of the head, which it turns about: 35 mm below and 60 mm behind the point between the
eyes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from fertools.geometry import FloatArray

__all__ = ["FIVE_OF_68", "FaceShape", "face_shape", "face_shape_digest"]

_PATH = Path(__file__).parent / "data" / "face_shape.json"


@dataclass(frozen=True)
class FaceShape:
    """Landmarks of a head and their variation.

    Attributes:
        mean: Shape ``(P, 3)``, mm.
        modes: Shape ``(K, P, 3)``, mm: how far each point is moved by one standard deviation.
        spread: Shape ``(P,)``, mm: standard deviation of a coordinate that the modes leave.
    """

    mean: FloatArray
    modes: FloatArray
    spread: FloatArray

    def combined(self, weights: FloatArray) -> FaceShape:
        """The shape of points that are weighted means of these.

        Args:
            weights: Shape ``(Q, P)``.
        """
        spread = np.sqrt(weights**2 @ self.spread**2)
        return FaceShape(weights @ self.mean, weights @ self.modes, spread)


@cache
def face_shape() -> FaceShape:
    """The 68 landmarks, read once."""
    numbers = json.loads(_PATH.read_text(encoding="utf-8"))
    mean, modes, spread = (np.array(numbers[name]) for name in ("mean", "modes", "spread"))
    return FaceShape(mean, modes, spread)


@cache
def face_shape_digest() -> str:
    """First twelve digits of the SHA-256 of the numbers' file."""
    return hashlib.sha256(_PATH.read_bytes()).hexdigest()[:12]


def _five_of_68() -> FloatArray:
    """Eye middles, nose tip and mouth corners as means of the 68."""
    weights = np.zeros((5, 68))
    weights[0, 36:42] = weights[1, 42:48] = 1.0 / 6.0
    weights[[2, 3, 4], [30, 48, 54]] = 1.0
    return weights


FIVE_OF_68: FloatArray = _five_of_68()
"""Shape ``(5, 68)``: the five points of :func:`fertools.align.landmarks.five_points` of the 68."""
