"""What a large pose is: thresholds on angles of a named convention.

The public Pose-* lists (Wang et al., "Region attention networks for pose and occlusion robust
facial expression recognition", IEEE TIP 29, 2020) were cut at 30 and 45 degrees of yaw or pitch by
OpenFace's angles. Hence the defaults: rule ``any``, and OpenFace's order of the axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError
from fertools.geometry import FloatArray
from fertools.pose.conventions import get_convention

__all__ = ["FAILS", "PASSES", "UNKNOWN", "PoseRule", "RuleName", "exact_number", "is_below"]

RuleName = Literal["any", "yaw", "pitch"]

PASSES, FAILS, UNKNOWN = 1, 0, -1
"""What :meth:`PoseRule.decide` says of a sample; one without angles is neither above nor below."""

_DIGITS = 3  # 30 degrees come back from a rotation as 30.000000000000004


@dataclass(frozen=True)
class PoseRule:
    """Which poses are large.

    Attributes:
        min_yaw: Degrees, 0 to 90; a pose is large STRICTLY above it.
        min_pitch: The same of pitch; ``min_yaw`` if left out.
        rule: ``any`` of both angles, or one of them alone.
        convention: Name of :data:`fertools.pose.conventions.CONVENTIONS` whose angles are meant.

    Raises:
        ConfigError: If a threshold is no number of 0 to 90, or one is given that is not used, or
            rule or convention are unknown.
    """

    min_yaw: float = 30.0
    min_pitch: float | None = None
    rule: RuleName = "any"
    convention: str = "openface"

    def __post_init__(self) -> None:
        if self.rule not in get_args(RuleName):
            raise ConfigError(f"unknown rule {self.rule!r}; expected any, yaw or pitch")
        for name, value in (("min-yaw", self.min_yaw), ("min-pitch", self.min_pitch)):
            if value is not None and not (math.isfinite(value) and 0 <= value <= 90):
                raise ConfigError(f"--{name} {exact_number(value)}: expected degrees, 0 to 90")
        if self.rule == "yaw" and self.min_pitch is not None:
            raise ConfigError("--min-pitch is not used by --rule yaw; leave out one of them")
        get_convention(self.convention)

    @property
    def limits(self) -> tuple[float, float]:
        """Thresholds of yaw and pitch, degrees; infinite for the one that is not looked at."""
        pitch = self.min_yaw if self.min_pitch is None else self.min_pitch
        return (
            math.inf if self.rule == "pitch" else self.min_yaw,
            math.inf if self.rule == "yaw" else pitch,
        )

    @property
    def words(self) -> str:
        """As in ``yaw or pitch beyond 30°``."""
        yaw, pitch = (f"{exact_number(limit)}°" for limit in self.limits)
        if self.rule == "yaw":
            return f"yaw beyond {yaw}"
        if self.rule == "pitch":
            return f"pitch beyond {pitch}"
        if yaw == pitch:
            return f"yaw or pitch beyond {yaw}"
        return f"yaw beyond {yaw} or pitch beyond {pitch}"

    @property
    def slug(self) -> str:
        """As part of a folder's name: ``30``, and what is not the default."""
        yaw, pitch = map(exact_number, self.limits)
        parts = [pitch if self.rule == "pitch" else yaw]
        if self.rule != "any":
            parts.append(self.rule)
        elif yaw != pitch:
            parts.append(f"pitch{pitch}")
        if self.convention != PoseRule.convention:
            parts.append(self.convention)
        return "-".join(parts)

    def angles(self, rotations: FloatArray) -> FloatArray:
        """Angles of rotations in the rule's convention.

        Args:
            rotations: Head to camera as in :mod:`fertools.geometry`, shape ``(N, 3, 3)``; NaN where
                unknown.

        Returns:
            Yaw, pitch and roll in degrees, shape ``(N, 3)``; NaN where unknown.
        """
        convention = get_convention(self.convention)
        angles = convention.angles(rotations)
        return np.degrees(angles) if convention.unit == "radians" else angles

    def margins(self, angles: FloatArray) -> FloatArray:
        """How far poses lie above the threshold.

        Args:
            angles: Of :meth:`angles`, shape ``(N, 3)``. Their absolute values are rounded to
                thousandths of a degree first, so that an exact 30 is not above 30.

        Returns:
            Degrees, shape ``(N,)``: of the angle that is furthest above its threshold, or least
            below it. Positive means large; NaN where yaw or pitch is not known.
        """
        size = np.abs(np.round(np.asarray(angles, dtype=np.float64)[:, :2], _DIGITS))
        return np.asarray((size - self.limits).max(axis=1))

    def decide(self, angles: FloatArray) -> npt.NDArray[np.int8]:
        """Whether poses are large.

        Args:
            angles: As for :meth:`margins`.

        Returns:
            Shape ``(N,)``: ``PASSES``, ``FAILS``, or ``UNKNOWN`` where yaw or pitch is not known,
            whichever of them the rule looks at.

        Example:
            >>> angles = np.array([[30.0, -30.001, 0.0], [30.0, 30.0, 9.0], [np.nan, 80.0, 0.0]])
            >>> PoseRule(30.0).decide(angles).tolist()
            [1, 0, -1]
        """
        margins = self.margins(angles)
        decided = np.where(margins > 0, PASSES, FAILS)
        return np.where(np.isnan(margins), UNKNOWN, decided).astype(np.int8)


def exact_number(value: float) -> str:
    """A number in as few digits as tell it from every other: a folder's name must be its own.

    Example:
        >>> exact_number(30.0), exact_number(0.1 + 0.2)
        ('30', '0.30000000000000004')
    """
    return repr(float(value)).removesuffix(".0")


def is_below(confidence: npt.ArrayLike, least: float) -> npt.NDArray[np.bool_]:
    """Whether confidences are below a least one, both in the precision that tables keep.

    So a 0.7 of a table, which is 0.69999999 there, is not below 0.7.

    Args:
        confidence: In [0, 1], shape ``(N,)``; NaN is below nothing.
        least: In [0, 1].
    """
    return np.asarray(np.asarray(confidence, dtype=np.float32) < np.float32(least))
