"""Where the 68 landmarks of the iBUG scheme lie on a stand-in.

The scheme of 300-W (Sagonas et al., Image and Vision Computing 47, 2016), which AffectNet and the
labels of Multi-PIE follow. It counts in the picture of a frontal face from its left, that is from
the subject's right: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, outer lips 48-59, inner lips
60-67. The jaw's points are places of the skin along the edge of the lower jaw, the same in every
pose, and not those of the outline, which slides over the cheek of a turned head.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fertools.synth.landmarks import Place, find_vertex, mirror
from fertools.synth.topology import Mesh

__all__ = ["FIVE_POINTS", "IBUG_MIRROR", "five_points", "ibug68_vertices"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

# The subject's left in mm of the average head, origin between the eyes, from the middle outwards.
_CHIN: Place = (0.0, -103.5, 7.5)
_JAW: tuple[Place, ...] = (
    (18.5, -99.5, 1.0),
    (34.0, -94.5, -17.0),
    (47.0, -82.5, -33.0),
    (55.5, -67.0, -43.0),
    (60.0, -50.0, -42.0),
    (63.0, -33.0, -44.0),
    (65.0, -16.0, -46.0),
    (66.5, 1.0, -51.0),
)
_BROW: tuple[Place, ...] = ((11.5, 15.0), (20.0, 17.5), (29.0, 18.5), (38.0, 17.0), (46.0, 13.5))
_BRIDGE: tuple[Place, ...] = ((0.0, -1.0), (0.0, -13.0), (0.0, -25.0), (0.0, -36.9))
_BASE: tuple[Place, ...] = ((0.0, -49.5, 21.2), (6.5, -48.5), (13.0, -46.0))
_UPPER_LID: tuple[Place, ...] = (
    (18.3, -1.5, 4.4),
    (24.0, 2.8, 7.2),
    (36.1, 2.9, 6.0),
    (41.2, -0.2, 1.0),
)
_LOWER_LID: tuple[Place, ...] = ((23.0, -5.3, 5.1), (36.3, -4.9, 4.1))
_UPPER_LIP: tuple[Place, ...] = ((0.0, -58.7), (6.0, -58.0), (16.0, -60.5), (24.0, -66.5))
_LOWER_LIP: tuple[Place, ...] = ((0.0, -77.0), (8.0, -76.5), (17.0, -72.5))
_UPPER_INSIDE: tuple[Place, ...] = ((0.0, -65.2, 19.8), (10.0, -65.6, 15.5), (20.5, -66.2, 8.0))
_LOWER_INSIDE: tuple[Place, ...] = ((0.0, -67.3, 18.7), (10.0, -67.4, 15.5))


@lru_cache(maxsize=4)
def ibug68_vertices(mesh: Mesh) -> IntArray:
    """Vertex numbers ``(68,)`` of the landmarks on a mesh, in the scheme's order."""
    right_eye = [*_across(_UPPER_LID), *map(mirror, _LOWER_LID)]
    left_eye = [*_UPPER_LID, *reversed(_LOWER_LID)]
    places = [*_across(_JAW), _CHIN, *_JAW]
    places += [*_across(_BROW), *_BROW]
    places += [*_BRIDGE, *_across(_BASE[1:]), *_BASE]
    places += [*right_eye, *left_eye]
    places += [*_across(_UPPER_LIP[1:]), *_UPPER_LIP, *reversed(_LOWER_LIP[1:]), _LOWER_LIP[0]]
    places += map(mirror, _LOWER_LIP[1:])
    places += [*_across(_UPPER_INSIDE[1:]), *_UPPER_INSIDE, _LOWER_INSIDE[1], _LOWER_INSIDE[0]]
    places += [mirror(_LOWER_INSIDE[1])]
    return np.array([find_vertex(mesh, place) for place in places], dtype=np.int64)


def _across(places: tuple[Place, ...]) -> list[Place]:
    """The same places on the subject's right, from the outside to the middle."""
    return [mirror(place) for place in reversed(places)]


IBUG_MIRROR: IntArray = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
    ],
    dtype=np.int64,
)
"""Shape ``(68,)``: which landmark each becomes in a mirrored picture."""

FIVE_POINTS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")
"""Order of :func:`five_points`; left and right are those of the picture."""


def five_points(points: FloatArray) -> FloatArray:
    """Eye middles, nose tip and mouth corners ``(5, 2)`` of 68 points ``(68, 2)``."""
    eyes = [points[36:42].mean(axis=0), points[42:48].mean(axis=0)]
    return np.array([*eyes, points[30], points[48], points[54]])
