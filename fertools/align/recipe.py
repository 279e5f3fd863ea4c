"""The options of an alignment, checked; they stand in the manifest of what was made."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["LEAST_FACE", "AlignConfig", "Choose", "Source"]

Source = Literal["auto", "annotation", "mtcnn"]
Choose = Literal["largest", "central", "most-probable"]
Level = Annotated[int, Field(ge=0, le=255)]
Prob = Annotated[float, Field(gt=0, lt=1)]

LEAST_FACE = 20
"""The smallest face that is looked for by default, in pixels; the detector sees none below 12."""


class AlignConfig(BaseModel):
    """How faces are found and cut out.

    Attributes:
        size: Side of the crops, pixels.
        margin: Border on every side of the face, as a fraction of the crop without it (see
            :mod:`fertools.align.template`).
        border: Colour, RGB, of what lies outside the original.
        image_format: Of the crops.
        jpeg_quality: Of JPEG; 95 if left out.
        source: ``annotation``: from the set's own landmarks only. ``mtcnn``: from the detector
            only. ``auto``: the set's own where a sample has them, else the detector.
        min_face_size: The smallest face that the detector looks for, in pixels of the original.
            If left out: ``min_face_share`` of the picture's shorter side, but not below 20.
        min_face_share: See there.
        thresholds: Least probability after each of the detector's three networks.
        choose: Which of several faces is taken.
        sure_prob: Faces of at least this probability go before the others, whatever is chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=224, ge=16, le=2048)
    margin: float = Field(default=0.1, ge=0, le=2)
    border: tuple[Level, Level, Level] = (0, 0, 0)
    image_format: Literal["png", "jpeg"] = "png"
    jpeg_quality: int | None = Field(default=None, ge=1, le=100)
    source: Source = "auto"
    min_face_size: int | None = Field(default=None, ge=12, le=10_000)
    min_face_share: float = Field(default=1 / 16, gt=0, le=1)
    thresholds: tuple[Prob, Prob, Prob] = (0.6, 0.7, 0.7)
    choose: Choose = "largest"
    sure_prob: float = Field(default=0.9, ge=0, le=1)

    @model_validator(mode="after")
    def _quality_of_jpeg(self) -> AlignConfig:
        if self.jpeg_quality is not None and self.image_format == "png":
            raise ValueError("jpeg_quality goes with image_format jpeg; a PNG keeps every pixel")
        return self

    def smallest_face(self, width: int, height: int) -> int:
        """The smallest face that is looked for in a picture of this size, pixels."""
        if self.min_face_size is not None:
            return self.min_face_size
        return max(LEAST_FACE, math.ceil(self.min_face_share * min(width, height)))
