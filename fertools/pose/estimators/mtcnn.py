"""Head pose from the five points that MTCNN finds in a picture.

The detector is that of ``fertools align`` (:mod:`fertools.align.mtcnn`), and so is the choice among
several faces. Its five points are fitted as those of ``landmarks5``. The detector was not made for
measuring: its points are off by some percent of the face, more where it is turned, so this
estimator is for pictures of which nothing else is known.

The confidence is the detector's probability times that of the fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from fertools.align.recipe import AlignConfig
from fertools.geometry import FloatArray
from fertools.pose.estimators.landmarks5 import estimate_from_five
from fertools.pose.face_shape import face_shape_digest
from fertools.pose.registry import FaceBatch, PoseEstimates, register_estimator

__all__ = ["MtcnnOptions", "MtcnnPose", "open_mtcnn"]

Pixels = npt.NDArray[np.uint8]
Prob = Annotated[float, Field(gt=0, lt=1)]

_NO_FACE = "no face was found"
_LAST_INPUT = 48  # side of what the detector's last network sees
_PIXELS_AT_ONCE = 8_000_000  # 15 bytes each while faces are looked for


class MtcnnOptions(BaseModel):
    """How faces are found and chosen; as in :class:`fertools.align.recipe.AlignConfig`.

    Attributes:
        min_face_size: The smallest face that is looked for, in pixels. If left out:
            ``min_face_share`` of the picture's shorter side, but not below 20.
        min_face_share: See there.
        thresholds: Least probability after each of the detector's three networks.
        choose: Which of several faces is taken.
        sure_prob: Faces of at least this probability go before the others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_face_size: int | None = Field(default=None, ge=12, le=10_000)
    min_face_share: float = Field(default=1 / 16, gt=0, le=1)
    thresholds: tuple[Prob, Prob, Prob] = (0.6, 0.7, 0.7)
    choose: Literal["largest", "central", "most-probable"] = "largest"
    sure_prob: float = Field(default=0.9, ge=0, le=1)


class MtcnnPose:
    """Finds faces and fits their five points.

    Args:
        options: How.

    Raises:
        MissingExtraError: If torch or facenet-pytorch is not installed.
    """

    def __init__(self, options: MtcnnOptions) -> None:
        from fertools.align.mtcnn import mtcnn_version

        self._config = AlignConfig(**options.model_dump())
        self._version = f"mtcnn 1, {mtcnn_version()}, face shape {face_shape_digest()}"

    @property
    def version(self) -> str:
        """Of the method, the detector, and a digest of the face's numbers."""
        return self._version

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Head poses of the chosen face of each picture of a batch.

        Raises:
            PictureError: If a picture cannot be read.
        """
        faces: list[FloatArray | str] = []
        probs: list[float] = []
        num_faces: list[int] = []
        for pictures in _groups(batch, self._config):
            for points, prob, count in self._find(pictures):
                faces.append(points)
                probs.append(prob)
                num_faces.append(count)
        fitted = estimate_from_five(faces, batch.sizes)
        return PoseEstimates(
            fitted.rotations,
            fitted.confidence * np.array(probs),
            np.array(num_faces, dtype=np.int64),
            fitted.reasons,
        )

    def _find(self, pictures: Sequence[_Shrunk]) -> Iterator[tuple[FloatArray | str, float, int]]:
        """The chosen face's points and probability, and the number of faces, of each picture."""
        from fertools.align.chunk_job import choose_face
        from fertools.align.mtcnn import load_mtcnn

        detector = load_mtcnn(self._config.thresholds)
        found = detector.detect([p.pixels for p in pictures], [p.least_face for p in pictures])
        for picture, faces in zip(pictures, found, strict=True):
            height, width = picture.pixels.shape[:2]
            face = choose_face(faces, self._config, width, height)
            if face is None:
                yield _NO_FACE, 1.0, 0
            else:
                yield face.points * picture.ratio, face.prob, len(faces)


@register_estimator(
    name="mtcnn",
    title="a deformable face fitted to the five points that MTCNN finds",
    reads="pictures",
    reference="Zhang et al., IEEE Signal Processing Letters 23(10), 2016; fertools.pose.fit",
    options=MtcnnOptions,
)
def open_mtcnn(options: MtcnnOptions) -> MtcnnPose:
    """Look for the detector's packages and weights."""
    return MtcnnPose(options)


@dataclass(frozen=True)
class _Shrunk:
    """A picture as the detector sees it.

    Attributes:
        pixels: Shape ``(h, w, 3)``.
        ratio: The picture's pixels a pixel of these, across and down.
        least_face: The smallest face that is looked for, in pixels of these.
    """

    pixels: Pixels
    ratio: FloatArray
    least_face: float


def _groups(batch: FaceBatch, config: AlignConfig) -> Iterator[list[_Shrunk]]:
    """The pictures in order, as many at a time as may stay in memory."""
    waiting: list[_Shrunk] = []
    for number in range(len(batch)):
        waiting.append(_shrink(batch.load(number), config))
        if sum(picture.pixels.size // 3 for picture in waiting) >= _PIXELS_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _shrink(picture: Pixels, config: AlignConfig) -> _Shrunk:
    """A picture as small as its smallest faces can still be seen well."""
    import cv2

    from fertools.align.scales import pick_ratio

    height, width = picture.shape[:2]
    least = config.smallest_face(width, height)
    ratio = pick_ratio(_LAST_INPUT / least)
    if ratio == 1:
        return _Shrunk(picture, np.ones(2), least)
    size = (max(1, width // ratio), max(1, height // ratio))
    pixels = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    ratios = np.array([width / size[0], height / size[1]])
    return _Shrunk(pixels, ratios, least / float(ratios.max()))
