"""Where the face of a picture is, and the square about it that a network looks at.

Pixels count as in :mod:`fertools.render.camera`: the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fertools.align.chunk_job import choose_face
from fertools.align.recipe import AlignConfig
from fertools.align.scales import pick_ratio
from fertools.align.template import place_face
from fertools.geometry import FloatArray
from fertools.pose.registry import FaceBatch

__all__ = [
    "NO_FACE",
    "FacePlace",
    "Region",
    "cut",
    "find_faces",
    "region_of_face",
    "shrunk",
]

Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

NO_FACE = "no face was found"
"""The reason where the detector finds none."""

_DETECTOR_INPUT = 48  # side of what its last network sees
_PIXELS_AT_ONCE = 16_000_000
_SOFT = 0.75  # a crop that shrinks by more is drawn at twice the size first


@dataclass(frozen=True)
class FacePlace:
    """A picture and its face.

    Attributes:
        number: Of the sample in its batch.
        picture: RGB, shape ``(H, W, 3)``.
        box: Of the face; None where none was found.
        points: The detector's five, shape ``(5, 2)``; None where it was not asked.
        prob: The detector's probability of the face; 1 where it was not asked.
        num_faces: That the detector found; -1 where it was not asked.
    """

    number: int
    picture: Pixels
    box: Box | None
    points: FloatArray | None
    prob: float
    num_faces: int


@dataclass(frozen=True)
class Region:
    """A square in a picture, perhaps turned.

    Attributes:
        x: Of its middle, pixels.
        y: Likewise.
        side: Pixels.
        roll_deg: The tilt of what stands upright in it; positive if that leans clockwise.
    """

    x: float
    y: float
    side: float
    roll_deg: float = 0.0

    def matrix(self, size: int) -> FloatArray:
        """Shape ``(2, 3)``: places in a crop of that many pixels = matrix @ (x, y, 1)."""
        turn = math.radians(self.roll_deg)
        a, b = math.cos(turn) * size / self.side, math.sin(turn) * size / self.side
        shift_x = size / 2 - a * self.x - b * self.y
        return np.array([[a, b, shift_x], [-b, a, size / 2 + b * self.x - a * self.y]])

    def undo(self, points: FloatArray, size: int) -> FloatArray:
        """Points ``(K, 2)`` of a crop in the picture."""
        matrix = self.matrix(size)
        return np.asarray(np.linalg.solve(matrix[:, :2], (points - matrix[:, 2]).T).T)


def find_faces(batch: FaceBatch) -> Iterator[FacePlace]:
    """Every picture of a batch with its main face: the set's own box, else the detector's.

    Of several faces it is the largest of the sure ones, as ``fertools align`` chooses by default.
    Pictures are held until they have 16 megapixels together, and looked at together.

    Raises:
        PictureError: If a picture cannot be read.
        MissingExtraError: If the detector is needed and not installed.
    """
    waiting: list[tuple[int, Pixels]] = []
    held = 0
    for number in range(len(batch)):
        picture = batch.load(number)
        box = batch.boxes[number]
        if np.isfinite(box).all() and box[0] < box[2] and box[1] < box[3]:
            x0, y0, x1, y1 = (float(edge) for edge in box)
            yield FacePlace(number, picture, (x0, y0, x1, y1), None, 1.0, -1)
            continue
        waiting.append((number, picture))
        held += picture.shape[0] * picture.shape[1]
        if held >= _PIXELS_AT_ONCE:
            yield from _detect(waiting)
            waiting, held = [], 0
    yield from _detect(waiting)


def region_of_face(place: FacePlace, *, share: float, turned: bool) -> Region:
    """The square about a face; its middle is that of the box.

    Args:
        place: With a box.
        share: Its side by the longer side of the box.
        turned: Turn it with the head, where there are five points: with the eyes, and on a head
            turned far with the axis from eyes to mouth, as
            :func:`fertools.align.template.place_face` turns a crop. Else it is upright.

    Raises:
        ValueError: If there is no box.
    """
    if place.box is None:
        raise ValueError("there is no face in this picture")
    x0, y0, x1, y1 = place.box
    placed = None
    if turned and place.points is not None:
        placed = place_face(place.points, place.box, size=100, margin=0.0)
    roll = 0.0 if placed is None else placed.roll_deg
    return Region((x0 + x1) / 2, (y0 + y1) / 2, share * max(x1 - x0, y1 - y0), roll)


def shrunk(picture: Pixels, region: Region, *, size: int) -> tuple[Pixels, Region]:
    """A large picture at 1/2, 1/3, …, so that a crop of a region loses nothing that it would show.

    Args:
        picture: Shape ``(H, W, 3)``.
        region: In it.
        size: Side of the crops that are wanted.

    Returns:
        Picture and region, unchanged where the region has less than four times the crop's side.
    """
    ratio = int(region.side // (2 * size))
    if ratio < 2:
        return picture, region
    height, width = picture.shape[:2]
    small = cv2.resize(
        picture, (-(-width // ratio), -(-height // ratio)), interpolation=cv2.INTER_AREA
    )
    factor = small.shape[1] / width
    moved = Region(region.x * factor, region.y * factor, region.side * factor, region.roll_deg)
    return np.asarray(small, dtype=np.uint8), moved


def cut(picture: Pixels, region: Region, *, size: int) -> Pixels:
    """The region as a crop, shape ``(size, size, 3)``.

    Where it reaches out of the picture, that goes on as at its edge: black there makes networks see
    a face that is turned less (measured on tight crops). Where the picture has to shrink, the crop
    is drawn at twice its size and every 2 x 2 pixels become one.
    """
    samples = 2 if size < _SOFT * region.side else 1
    matrix = region.matrix(size * samples)
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV's first pixel is centred at 0
    crop = cv2.warpAffine(
        picture,
        matrix,
        (size * samples, size * samples),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if samples > 1:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, dtype=np.uint8)


def _detect(waiting: list[tuple[int, Pixels]]) -> Iterator[FacePlace]:
    """The detector's main face of some pictures."""
    if not waiting:
        return
    from fertools.align.mtcnn import load_mtcnn

    config = AlignConfig()
    least = [config.smallest_face(p.shape[1], p.shape[0]) for _, p in waiting]
    small = [
        _at_scale(picture, pick_ratio(_DETECTOR_INPUT / size))
        for (_, picture), size in zip(waiting, least, strict=True)
    ]
    scales = [
        picture.shape[1] / page.shape[1] for (_, picture), page in zip(waiting, small, strict=True)
    ]
    found = load_mtcnn(config.thresholds).detect(
        small, [size / scale for size, scale in zip(least, scales, strict=True)]
    )
    for (number, picture), page, scale, faces in zip(waiting, small, scales, found, strict=True):
        face = choose_face(faces, config, page.shape[1], page.shape[0])
        if face is None:
            yield FacePlace(number, picture, None, None, 0.0, 0)
            continue
        x0, y0, x1, y1 = (edge * scale for edge in face.box)
        box, points = (x0, y0, x1, y1), face.points * scale
        yield FacePlace(number, picture, box, points, face.prob, len(faces))


def _at_scale(picture: Pixels, ratio: int) -> Pixels:
    """A picture at 1/ratio."""
    if ratio == 1:
        return picture
    size = (-(-picture.shape[1] // ratio), -(-picture.shape[0] // ratio))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
