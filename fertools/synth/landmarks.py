"""Where the 83 landmarks of a ``.bnd`` and the 8 of a ``.pse`` lie on a stand-in.

The meshes are the same for everybody, so a landmark is a vertex number. It is found on the average
adult: the frontmost skin point next to a place in the x-y plane, or the point nearest to a place in
space where folds lie behind each other. The subject's left is +x, the right of the picture.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fertools.synth import head as parts
from fertools.synth.topology import Mesh

IntArray = npt.NDArray[np.int64]
Place = tuple[float, ...]

# Left half in mm of the average head, origin between the eyes, in the order of the numbers.
_LEFT_EYE: tuple[Place, ...] = (  # inner corner, upper lid, outer corner, lower lid
    (18.3, -1.5, 4.4),
    (24.0, 2.8, 7.2),
    (30.0, 3.2, 7.7),
    (36.1, 2.9, 6.0),
    (41.2, -0.2, 1.0),
    (36.3, -4.9, 4.1),
    (29.3, -5.1, 5.8),
    (23.0, -5.3, 5.1),
)
_LEFT_BROW: tuple[Place, ...] = (  # upper edge outwards, lower edge back inwards
    (10.5, 16.5),
    (19.0, 19.5),
    (28.0, 21.0),
    (37.0, 19.0),
    (46.0, 12.5),
    (44.0, 10.5),
    (36.0, 14.5),
    (28.0, 15.5),
    (19.0, 13.0),
    (10.5, 10.0),
)
_LEFT_NOSE: tuple[Place, ...] = (  # root, side, above, on and below the wing, nostril
    (8.5, -4.0),
    (9.5, -18.0),
    (13.0, -31.0),
    (17.0, -40.0),
    (14.0, -45.5),
    (7.5, -48.5),
)
_SUBNASALE: Place = (0.0, -49.5, 21.2)
_MOUTH_LEFT_UPPER: tuple[Place, ...] = ((24.0, -66.5), (16.0, -60.5), (6.0, -58.0))
_UPPER_LIP: Place = (0.0, -58.7)
_LOWER_LIP: Place = (0.0, -77.0)
_MOUTH_LEFT_LOWER: tuple[Place, ...] = ((8.0, -76.5), (17.0, -72.5))
_INNER_LEFT: Place = (20.5, -66.2, 8.0)
_INNER_UPPER: tuple[Place, ...] = ((10.0, -65.6, 15.5), (0.0, -65.2, 19.8))
_INNER_LOWER: tuple[Place, ...] = ((10.0, -67.4, 15.5), (0.0, -67.3, 18.7))
_LEFT_CONTOUR: tuple[Place, ...] = (
    (66.0, 2.0),
    (66.0, -14.0),
    (65.0, -31.0),
    (62.5, -48.0),
    (57.0, -64.0),
    (46.0, -80.0),
    (27.0, -96.0),
)
_CHIN: Place = (0.0, -103.0)
_NOSE_TIP: Place = (0.0, -36.9)


@lru_cache(maxsize=4)
def bnd_vertices(mesh: Mesh) -> IntArray:
    """Vertex numbers ``(83,)`` of the landmarks, in the order of the file."""
    places = [*_LEFT_EYE, *map(mirror, _LEFT_EYE), *_LEFT_BROW, *map(mirror, _LEFT_BROW)]
    right_nose = [mirror(_LEFT_NOSE[k]) for k in (5, 3, 2, 1, 0)]
    places += [*_LEFT_NOSE, _SUBNASALE, *right_nose]
    corner, *upper = _MOUTH_LEFT_UPPER
    places += [corner, *upper, _UPPER_LIP, *map(mirror, reversed(upper)), mirror(corner)]
    lower = [*map(mirror, reversed(_MOUTH_LEFT_LOWER)), _LOWER_LIP, *_MOUTH_LEFT_LOWER]
    places += lower
    places += [_INNER_LEFT, *_INNER_UPPER, mirror(_INNER_UPPER[0]), mirror(_INNER_LEFT)]
    places += [mirror(_INNER_LOWER[0]), _INNER_LOWER[1], _INNER_LOWER[0]]
    places += [*_LEFT_CONTOUR, _CHIN, *map(mirror, reversed(_LEFT_CONTOUR))]
    return np.array([find_vertex(mesh, place) for place in places], dtype=np.int64)


@lru_cache(maxsize=4)
def pse_vertices(mesh: Mesh) -> IntArray:
    """Vertex numbers ``(8,)``: four eye corners, nose tip, mouth corners, chin."""
    places = [_LEFT_EYE[0], _LEFT_EYE[4], mirror(_LEFT_EYE[0]), mirror(_LEFT_EYE[4])]
    places += [_NOSE_TIP, _MOUTH_LEFT_UPPER[0], mirror(_MOUTH_LEFT_UPPER[0]), _CHIN]
    return np.array([find_vertex(mesh, place) for place in places], dtype=np.int64)


def mirror(place: Place) -> Place:
    """The same place on the subject's right."""
    return (-place[0], *place[1:])


def find_vertex(mesh: Mesh, place: Place) -> int:
    """The skin vertex at a place ``(x, y)`` or ``(x, y, z)`` in mm of the average head."""
    skin = np.flatnonzero(mesh.part == parts.SKIN)
    points = mesh.canonical[skin]
    away = ((points[:, : len(place)] - np.array(place)) ** 2).sum(axis=1)
    if len(place) == 2:  # of those about there, the frontmost
        near = away <= (np.sqrt(away.min()) + 1.0) ** 2
        away = np.where(near, -points[:, 2], np.inf)
    return int(skin[np.argmin(away)])
