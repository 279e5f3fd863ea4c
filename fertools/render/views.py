"""Views: the nominal angles from which a scan is drawn, and the rotations that they stand for.

A view is a nominal pan (turn about the vertical), tilt (nod) and roll. By default the head is
tilted first, in its own frame, and then panned: ``R = R_y(pan) @ R_x(-tilt) @ R_z(-roll)``, so pan
is the yaw, tilt the pitch and roll the roll of the resulting pose exactly. Positive pan moves the
nose to the image's right, positive tilt moves it up. The published protocols say neither which way
P1 turns nor in what order P2 does; both are options (:class:`Turning`) and recorded.

Reference:
    P1: Moore and Bowden, "Local binary patterns for multi-view facial expression recognition", CVIU
    115(4), 2011. P2: Zheng, Tang, Lin and Huang, "A novel approach to expression recognition from
    non-frontal face images", ICCV 2009, and Tariq, Yang and Huang, 2012. Counts in Liu et al.,
    CMES 139(1), 2024, section 4.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError
from fertools.geometry import AxisOrder, FloatArray, rotation_from_angles

__all__ = ["P1", "P2", "Grid", "RandomViews", "Turning", "View", "ViewSet", "load_views"]

_NUM_EXPRESSIONS = 6
_NUM_SUBJECTS = 100
_MAX_VIEWS = 10_000

_Turn = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, strict=True)]
_Nod = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, strict=True)]


@dataclass(frozen=True)
class View:
    """One nominal view.

    Attributes:
        view_id: Its name in manifests and file names.
        pan_deg: Turn about the vertical axis.
        tilt_deg: Nod.
        roll_deg: Turn in the picture's plane, clockwise.
    """

    view_id: str
    pan_deg: float
    tilt_deg: float
    roll_deg: float = 0.0


class Turning(BaseModel):
    """What a view's angles mean.

    Attributes:
        rotation_order: Product of the turns, from left to right: pan is Y, tilt X, roll Z. ``YXZ``
            tilts in the head's frame and then pans; ``XYZ`` pans first and then tilts.
        yaw_sign: 1 where positive pan moves the nose to the image's right, -1 to its left.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rotation_order: AxisOrder = "YXZ"
    yaw_sign: Literal[1, -1] = 1

    def rotation(self, view: View) -> FloatArray:
        """Head to camera coordinates, shape ``(3, 3)``."""
        return rotation_from_angles(
            self.yaw_sign * view.pan_deg, view.tilt_deg, view.roll_deg, order=self.rotation_order
        )


def _name(pan: float, tilt: float, roll: float, rolled: bool, flat: bool) -> str:
    """Name of a view of a grid: ``yaw30`` where only pan varies, else ``pan+30_tilt-15``."""
    if flat:
        return f"yaw{_number(pan, '02d')}"
    tail = f"_roll{_number(roll, '+03d')}" if rolled else ""
    return f"pan{_number(pan, '+03d')}_tilt{_number(tilt, '+03d')}{tail}"


def _number(angle: float, whole: str) -> str:
    """An angle in a name, short where it is a whole number."""
    if angle == int(angle):
        return format(int(angle), whole)
    return f"{angle:+.4f}" if whole.startswith("+") else f"{angle:.4f}"


class Grid(BaseModel):
    """Every pan with every tilt and every roll, in degrees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pan: tuple[_Turn, ...] = Field(default=(0.0,), min_length=1)
    tilt: tuple[_Nod, ...] = Field(default=(0.0,), min_length=1)
    roll: tuple[_Turn, ...] = Field(default=(0.0,), min_length=1)

    @model_validator(mode="after")
    def _countable(self) -> Grid:
        count = len(self.pan) * len(self.tilt) * len(self.roll)
        if count > _MAX_VIEWS:
            raise ValueError(f"the grid has {count} views, {_MAX_VIEWS} are the most")
        if len({view.view_id for view in self.views()}) != count:
            raise ValueError("two views of the grid have the same angles, to 1e-4 degrees")
        return self

    def views(self) -> tuple[View, ...]:
        """In order: the pans, for each its tilts, for each its rolls."""
        flat = self.tilt == (0.0,) and self.roll == (0.0,)
        return tuple(
            View(_name(pan, tilt, roll, self.roll != (0.0,), flat), pan, tilt, roll)
            for pan in self.pan
            for tilt in self.tilt
            for roll in self.roll
        )


class RandomViews(BaseModel):
    """Angles drawn evenly from ranges, other ones for every scan, the same for the same seed.

    Attributes:
        count: Views of each scan.
        seed: Of the drawing.
        pan: Least and greatest, degrees.
        tilt: Least and greatest, degrees.
        roll: Least and greatest, degrees.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(ge=1, le=_MAX_VIEWS, strict=True)
    seed: int = Field(default=0, ge=0, lt=2**63, strict=True)
    pan: tuple[_Turn, _Turn] = (0.0, 0.0)
    tilt: tuple[_Nod, _Nod] = (0.0, 0.0)
    roll: tuple[_Turn, _Turn] = (0.0, 0.0)

    @model_validator(mode="after")
    def _ordered(self) -> RandomViews:
        for name in ("pan", "tilt", "roll"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: the range begins at {low} and ends at {high}")
        return self

    def views(self, scan_id: str) -> tuple[View, ...]:
        """The views of one scan, to a hundredth of a degree."""
        digest = hashlib.sha256(scan_id.encode()).digest()
        rng = np.random.default_rng([self.seed, int.from_bytes(digest[:8], "big")])
        low, high = np.array([self.pan, self.tilt, self.roll]).T
        drawn = np.round(rng.uniform(low, high, (self.count, 3)), 2)
        angles = np.clip(drawn, low, high) + 0.0  # no -0.0
        return tuple(
            View(f"random{index:03d}", pan, tilt, roll)
            for index, (pan, tilt, roll) in enumerate(angles.tolist())
        )


class ViewSet(BaseModel):
    """The views and scans of one multi-view set.

    Attributes:
        name: ``p1``, ``p2``, or that of the user's file.
        intensities: Which of BU-3DFE's four levels are rendered.
        grid: The views of every scan; or
        random: How the views of each scan are drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    intensities: tuple[Annotated[int, Field(ge=1, le=4)], ...] = Field(
        default=(1, 2, 3, 4), min_length=1
    )
    grid: Grid | None = None
    random: RandomViews | None = None

    @field_validator("intensities")
    @classmethod
    def _distinct(cls, intensities: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(intensities)) != len(intensities):
            raise ValueError("an intensity is given twice")
        return intensities

    @model_validator(mode="after")
    def _whole(self) -> ViewSet:
        if (self.grid is None) == (self.random is None):
            raise ValueError("expected either 'grid' or 'random'")
        return self

    def views(self, scan_id: str) -> tuple[View, ...]:
        """The views of one scan, in order."""
        if self.random is not None:
            return self.random.views(scan_id)
        return (self.grid or Grid()).views()

    @property
    def num_views(self) -> int:
        """Views of each scan."""
        return self.random.count if self.random is not None else len((self.grid or Grid()).views())

    @property
    def expected_samples(self) -> int:
        """Pictures of the full set: 100 subjects, six expressions; neutral scans come on top."""
        return self.num_views * len(self.intensities) * _NUM_EXPRESSIONS * _NUM_SUBJECTS


P1 = ViewSet(name="p1", grid=Grid(pan=(0, 30, 45, 60, 90)))
"""Yaw 0 to 90 at all four intensities: 12,000 pictures of 100 subjects."""

P2 = ViewSet(
    name="p2",
    intensities=(4,),
    grid=Grid(pan=tuple(range(-45, 46, 15)), tilt=tuple(range(-30, 31, 15))),
)
"""Seven pans by five tilts at the strongest intensity: 21,000 pictures of 100 subjects."""


def load_views(name: str) -> ViewSet:
    """``p1``, ``p2``, or a YAML file with ``intensities`` and either ``grid`` or ``random``.

    The set's name is the file's stem unless the file says another.

    Raises:
        ConfigError: If there is no such file, or it is not what is expected (the key is named).

    Example:
        >>> load_views("p2").num_views, load_views("p2").expected_samples
        (35, 21000)
    """
    known = {view_set.name: view_set for view_set in (P1, P2)}
    if name.lower() in known:
        return known[name.lower()]
    path = Path(name)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(
            f"--views {name!r}: expected {', '.join(known)}, or a YAML file of views, "
            "as in --views my-grid.yaml"
        )
    values = read_yaml(path)
    view_set = build_config(ViewSet, {"name": path.stem.lower(), **values}, source=str(path))
    if view_set != known.get(view_set.name, view_set):
        raise ConfigError(
            f"{path}: 'name': {view_set.name!r} is that of the published set, whose views are "
            "others; give the file's set another name"
        )
    return view_set
