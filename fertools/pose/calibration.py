"""A monotone correction of an estimator's yaw and pitch, fitted on renders; off unless asked for.

Each of the two angles by itself is mapped by a broken line with few knots that never falls. Yaw's
is odd: a head turned to one side is a mirrored head turned to the other. Outside the knots it goes
on parallel to the diagonal. Roll stays. The line is fitted to the true angles over the estimated
ones with a loss that forgives gross errors (soft L1). The knots end before the renders do: at the
edge of what was rendered the true angles lie on one side only, and a line fitted there would bend
towards them. What it cannot do is tell apart what the estimator takes for the same angle; and it is
a statement about faces like those it was fitted on.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fertools import __version__
from fertools.config import build_config
from fertools.errors import ConfigError
from fertools.geometry import FloatArray
from fertools.jobs import read_note, text_digest, write_json
from fertools.pose.conventions import get_convention

__all__ = ["Calibration", "Line", "fit_calibration", "read_calibration", "write_calibration"]

_MAX_BYTES = 1_000_000
_YAW_KNOTS = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0)
_PITCH_KNOTS = (-20.0, -10.0, 0.0, 10.0, 20.0)
_SLOPES = (0.1, 5.0)
_FORGIVEN_DEG = 5.0
_LEAST = 100
_OWN = "sha256"  # of the file's other keys
_AGAIN = "fit the calibration again"

_Angle = Annotated[float, Field(ge=-360.0, le=360.0, allow_inf_nan=False)]
_Text = Annotated[str, Field(min_length=1, max_length=2000)]


class Line(BaseModel):
    """A broken line that never falls.

    Attributes:
        knots: Estimated angles, degrees, rising.
        values: What each becomes, never falling.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    knots: Annotated[list[_Angle], Field(min_length=2, max_length=100)]
    values: Annotated[list[_Angle], Field(min_length=2, max_length=100)]

    @model_validator(mode="after")
    def _rises(self) -> Line:
        """Raise unless it is such a line."""
        if len(self.knots) != len(self.values):
            raise ValueError("as many values as knots are expected")
        if any(b <= a for a, b in pairwise(self.knots)):
            raise ValueError("the knots must rise")
        if any(b < a for a, b in pairwise(self.values)):
            raise ValueError("the values must not fall")
        return self

    def __call__(self, angles: FloatArray) -> FloatArray:
        """Map angles of any shape; NaN stays NaN."""
        inside = np.interp(angles, self.knots, self.values)
        beyond = angles - np.clip(angles, self.knots[0], self.knots[-1])
        return np.asarray(inside + beyond)


class Calibration(BaseModel):
    """A correction, and what it was fitted on.

    Attributes:
        format: Of the file.
        estimator: Whose angles it corrects.
        version: Of that estimator: all that decides its angles.
        yaw: Line of yaw.
        pitch: Line of pitch.
        dataset: What it was fitted on.
        digest: Of that manifest.
        num_samples: That had a pose.
        synthetic: Whether they are stand-ins.
        tool_version: Of fertools.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    format: Literal["fertools pose calibration 1"] = "fertools pose calibration 1"
    estimator: _Text
    version: _Text
    yaw: Line
    pitch: Line
    dataset: _Text
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    num_samples: Annotated[int, Field(ge=1)]
    synthetic: bool
    tool_version: _Text = __version__

    def require(self, estimator: str, version: str) -> None:
        """Raise unless it belongs to an estimator.

        Raises:
            ConfigError: If it was fitted on another one, or another version.
        """
        for what, mine, theirs in (
            ("estimator", self.estimator, estimator),
            ("version", self.version, version),
        ):
            if mine != theirs:
                raise ConfigError(
                    f"the calibration is of the {what} {mine[:80]!r}, the angles are of "
                    f"{theirs[:80]!r}; fit one with 'fertools validate-pose --estimator "
                    f"{estimator} --fit-calibration FILE'"
                )

    def apply(self, rotations: FloatArray) -> FloatArray:
        """Correct poses.

        Args:
            rotations: Head to camera, shape ``(N, 3, 3)``; NaN where unknown, which stays so.
        """
        convention = get_convention("fertools")
        angles = convention.angles(rotations)
        angles[:, 0] = self.yaw(angles[:, 0])
        angles[:, 1] = np.clip(self.pitch(angles[:, 1]), -90.0, 90.0)
        return convention.rotations(angles)


def fit_calibration(rotations: FloatArray, true_rotations: FloatArray, **facts: Any) -> Calibration:
    """Fit a correction.

    Args:
        rotations: Estimated, shape ``(N, 3, 3)``; NaN where there is no estimate.
        true_rotations: Shape ``(N, 3, 3)``; NaN where not all of the pose is known.
        facts: The other fields of :class:`Calibration`, but for ``num_samples``.

    Raises:
        ConfigError: If fewer than 100 samples have both.
    """
    convention = get_convention("fertools")
    estimated, true = convention.angles(rotations), convention.angles(true_rotations)
    known = np.isfinite(estimated).all(axis=1) & np.isfinite(true).all(axis=1)
    if known.sum() < _LEAST:
        raise ConfigError(
            f"only {known.sum()} samples have an estimate and a true pose; a calibration needs "
            f"{_LEAST}: render more, or give another manifest"
        )
    estimated, true = estimated[known], true[known]
    slopes = _slopes(np.abs(estimated[:, 0]), np.sign(estimated[:, 0]) * true[:, 0], _YAW_KNOTS)
    half = np.concatenate([[0.0], np.cumsum(slopes * np.diff(_YAW_KNOTS))])
    start, *rest = _slopes(estimated[:, 1], true[:, 1], _PITCH_KNOTS, has_start=True)
    pitch = start + np.concatenate([[0.0], np.cumsum(np.array(rest) * np.diff(_PITCH_KNOTS))])
    knots = np.array(_YAW_KNOTS)
    return Calibration(
        yaw=_line(np.concatenate([-knots[:0:-1], knots]), np.concatenate([-half[:0:-1], half])),
        pitch=_line(np.array(_PITCH_KNOTS), pitch),
        num_samples=int(known.sum()),
        **facts,
    )


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write it as JSON with a digest of all that it says, whole or not at all.

    Raises:
        OutputError: If it cannot be written.
    """
    values = calibration.model_dump(mode="json")
    write_json(path, values | {_OWN: _own_digest(values)})


def read_calibration(path: Path) -> Calibration:
    """Read one.

    Raises:
        ConfigError: If it is missing, was changed since it was written, or is no calibration of
            this version: a number is not finite, the knots do not rise, the values fall.
        ManifestError: If it is no JSON, or too large.
    """
    if not path.is_file():
        raise ConfigError(
            f"{path}: is not a file; expected one of 'validate-pose --fit-calibration'"
        )
    values = read_note(path, max_bytes=_MAX_BYTES, remedy=_AGAIN)
    written = values.pop(_OWN, None)
    calibration = build_config(Calibration, values, source=str(path))
    if written != _own_digest(values):
        raise ConfigError(
            f"{path}: was changed since it was written ({_OWN!r} is not that of the rest); {_AGAIN}"
        )
    return calibration


def _own_digest(values: dict[str, Any]) -> str:
    """SHA-256 of all that a file says."""
    return text_digest(json.dumps(values, sort_keys=True))


def _slopes(
    x: FloatArray, y: FloatArray, knots: tuple[float, ...], *, has_start: bool = False
) -> FloatArray:
    """Slopes between the knots, the value at the first knot before them if it is not 0."""
    from scipy.optimize import least_squares

    steps = np.diff(knots)
    ramps = np.clip(x[:, None] - np.array(knots[:-1]), 0.0, steps)
    beyond = x - np.clip(x, knots[0], knots[-1])
    start, low, high = np.ones(len(steps)), *(np.full(len(steps), s) for s in _SLOPES)
    if has_start:
        ramps = np.concatenate([np.ones((len(x), 1)), ramps], axis=1)
        start, low, high = (
            np.concatenate([[v], a]) for v, a in ((knots[0], start), (-180.0, low), (180.0, high))
        )
    fit = least_squares(
        lambda s: ramps @ s + beyond - y,
        start,
        jac=lambda s: ramps,
        bounds=(low, high),
        loss="soft_l1",
        f_scale=_FORGIVEN_DEG,
    )
    return np.asarray(fit.x)


def _line(knots: FloatArray, values: FloatArray) -> Line:
    """A line with three decimals: more would pretend."""
    return Line(knots=(knots + 0.0).tolist(), values=(np.round(values, 3) + 0.0).tolist())
