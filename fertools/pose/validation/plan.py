"""Which renders an estimator is validated on: who, with what face, in what light, how turned.

Every render follows from the seed, the part and its number alone, so a longer plan begins with the
shorter one. Two parts:

``grid``
    Yaw -90 to 90 and pitch -30 to 30 in steps of 15 degrees, roll 0. Identities, expressions and
    lamps take turns, so that every pose is seen with all of them, and not in all combinations.
``uniform``
    Yaw uniform in ±90, pitch in ±30, roll in ±15 degrees, expression and lamp drawn.

In both the picture's field of view is uniform in 20 to 80 degrees, and the head's centre lies on
the optical axis. A face is 90 to 160 of 256 pixels wide; so the distance follows, as
``d = window / (2 tan(fov / 2))``, and where the camera would come nearer than 220 mm to the head's
centre (it would stand in the shoulders) the face is drawn from the smaller ones alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fertools.expressions import BU3DFE_CODES
from fertools.synth.backgrounds import BACKGROUNDS

__all__ = [
    "CALIBRATION",
    "EXPRESSIONS",
    "FACE_MM",
    "FIELDS_OF_VIEW",
    "LIGHTS",
    "NEAREST_MM",
    "PITCHES",
    "SIZE",
    "VALIDATION",
    "YAWS",
    "Chunk",
    "Part",
    "Render",
    "RenderPlan",
]

Part = Literal["grid", "uniform"]

VALIDATION, CALIBRATION = 902, 901
"""Tags of the people: nobody of one is in the other, nor among the 900 of the template."""

SIZE = 256
YAWS = tuple(range(-90, 91, 15))
PITCHES = tuple(range(-30, 31, 15))
FIELDS_OF_VIEW = (20.0, 80.0)
NEAREST_MM = 220.0
FACE_MM = 145.0
"""From ear to ear, about: what ``face_px`` counts."""

EXPRESSIONS = tuple(sorted(BU3DFE_CODES.values()))
LIGHTS = {"room": 0, "left": 2, "front": 7, "right": 12, "above": 16}
"""Name to the illumination of Multi-PIE's stand-in: the room alone, or with one flash."""

_FACES_PX = (90.0, 160.0)
_ROLL = 15.0
_GRID_PEOPLE, _GRID_CHUNKS = 12, 24
_PEOPLE, _UNIFORM_CHUNK = 40, 25
_PARTS: tuple[Part, ...] = ("grid", "uniform")


@dataclass(frozen=True)
class Render:
    """One picture to be made.

    Attributes:
        sample_id: Part, chunk and place.
        part: Of the plan.
        identity: Number of the person; even ones are drawn female.
        expression: What they show.
        intensity: 2 to 4; 0 where they are neutral.
        light: Of :data:`LIGHTS`.
        background: Its kind.
        yaw_deg: Of the head to the camera, by :mod:`fertools.geometry`.
        pitch_deg: Likewise.
        roll_deg: Likewise.
        fov_deg: Field of view of the whole picture, degrees.
        face_px: Width of the face, about.
        seed: Of all else about it.
    """

    sample_id: str
    part: Part
    identity: int
    expression: str
    intensity: int
    light: str
    background: str
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    fov_deg: float
    face_px: float
    seed: tuple[int, ...]

    @property
    def window_mm(self) -> float:
        """What the picture spans at the head's centre."""
        return SIZE * FACE_MM / self.face_px

    @property
    def distance_mm(self) -> float:
        """From the camera to the head's centre."""
        return 0.5 * self.window_mm / math.tan(math.radians(0.5 * self.fov_deg))


@dataclass(frozen=True)
class Chunk:
    """Some renders of one person: what is made, or made anew, at once."""

    name: str
    renders: tuple[Render, ...]


@dataclass(frozen=True)
class RenderPlan:
    """What is to be rendered.

    Attributes:
        seed: Of everything.
        tag: :data:`VALIDATION` or :data:`CALIBRATION`; keeps their people apart.
        uniform: How many renders of that part.
        grid: How many chunks of 65 of that part, at most 24.
    """

    seed: int = 0
    tag: int = VALIDATION
    uniform: int = 2000
    grid: int = _GRID_CHUNKS

    def __post_init__(self) -> None:
        if self.uniform < 0 or not 0 <= self.grid <= _GRID_CHUNKS:
            raise ValueError(f"expected 0 or more renders and 0 to {_GRID_CHUNKS} chunks")

    def chunks(self) -> Iterator[Chunk]:
        """All of it, the grid first; the last chunk is shorter if need be."""
        for number in range(self.grid):
            yield Chunk(f"grid-{number:04d}", tuple(self._grid_chunk(number)))
        for start in range(0, self.uniform, _UNIFORM_CHUNK):
            number = start // _UNIFORM_CHUNK
            places = range(min(_UNIFORM_CHUNK, self.uniform - start))
            yield Chunk(f"uniform-{number:04d}", tuple(self._uniform(number, n) for n in places))

    def _grid_chunk(self, number: int) -> Iterator[Render]:
        """Every pose of the grid once."""
        for place, (yaw, pitch) in enumerate((y, p) for y in YAWS for p in PITCHES):
            yield self._drawn(
                "grid",
                number,
                place,
                identity=number % _GRID_PEOPLE,
                angles=(float(yaw), float(pitch), 0.0),
                expression=(number + 2 * place) % len(EXPRESSIONS),
                light=(number + 3 * place) % len(LIGHTS),
            )

    def _uniform(self, number: int, place: int) -> Render:
        """One render of any pose."""
        rng = np.random.default_rng([self.seed, self.tag, 1, number, place, 0])
        yaw, pitch, roll = rng.uniform([-90.0, -30.0, -_ROLL], [90.0, 30.0, _ROLL]).tolist()
        return self._drawn(
            "uniform",
            number,
            place,
            identity=number % _PEOPLE,
            angles=(yaw, pitch, roll),
            expression=int(rng.integers(len(EXPRESSIONS))),
            light=int(rng.integers(len(LIGHTS))),
        )

    def _drawn(
        self,
        part: Part,
        number: int,
        place: int,
        *,
        identity: int,
        angles: tuple[float, float, float],
        expression: int,
        light: int,
    ) -> Render:
        """What is drawn in the same way in both parts."""
        seed = (self.seed, self.tag, _PARTS.index(part), number, place)
        rng = np.random.default_rng([*seed, 1])
        fov = float(rng.uniform(*FIELDS_OF_VIEW))
        at_nearest = SIZE * FACE_MM / (2 * NEAREST_MM * math.tan(math.radians(0.5 * fov)))
        name = EXPRESSIONS[expression]
        return Render(
            sample_id=f"{part}-{number:04d}-{place:02d}",
            part=part,
            identity=identity,
            expression=name,
            intensity=0 if name == "neutral" else int(rng.integers(2, 5)),
            light=list(LIGHTS)[light],
            background=str(rng.choice(BACKGROUNDS)),
            yaw_deg=angles[0],
            pitch_deg=angles[1],
            roll_deg=angles[2],
            fov_deg=fov,
            face_px=float(rng.uniform(_FACES_PX[0], min(_FACES_PX[1], at_nearest))),
            seed=seed,
        )
