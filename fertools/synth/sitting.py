"""One person before the scanner: points and picture of every scan, without any file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fertools.geometry import rotation_from_angles
from fertools.synth import head as parts
from fertools.synth.expressions import EMOTION_CODES, Habits, Pose, draw_habits, draw_pose
from fertools.synth.head import MM
from fertools.synth.identity import Person, draw_person, neutral_head
from fertools.synth.paint import Canvas, hair_cover, make_canvas, paint_person
from fertools.synth.shading import Surface, bake, display_curve, draw_lights, light_points
from fertools.synth.topology import Density, Mesh, Topology, load_topology
from fertools.synth.wrinkles import Fold, make_folds, shade_folds

FloatArray = npt.NDArray[np.float64]

_LID_GAP_MM = 0.35
_HAIR_MM = (4.0, 12.0)


@dataclass(frozen=True)
class Studio:
    """What does not change from person to person.

    Attributes:
        topology: The meshes.
        canvas: The texels.
        folds: The wrinkles.
        surface: For normals and shadows.
    """

    topology: Topology
    canvas: Canvas
    folds: tuple[Fold, ...]
    surface: Surface


@lru_cache(maxsize=2)
def open_studio(density: Density, texture_size: int) -> Studio:
    """Prepare a density and texture size once a process (about two seconds)."""
    topology = load_topology(density)
    canvas = make_canvas(topology, size=texture_size)
    return Studio(
        topology=topology,
        canvas=canvas,
        folds=make_folds(canvas),
        surface=Surface.of(topology.quads, topology.fine.shape[0]),
    )


@dataclass(frozen=True)
class Sitter:
    """A person with everything that is the same in all scans of them.

    Attributes:
        seed: Seed of the set and number of the subject.
        person: Shape and colours.
        habits: How they show emotions.
        neutral: ``(H, 3)`` base mesh at rest, mm, origin between the eyes.
        paint: ``(T, 4)`` colours of the texels.
        fold_depth: How deep wrinkles are.
        hair_mm: Thickness of the hair.
    """

    seed: tuple[int, ...]
    person: Person
    habits: Habits
    neutral: FloatArray
    paint: npt.NDArray[np.float32]
    fold_depth: float
    hair_mm: float


def invite(studio: Studio, seed: list[int], *, male: bool) -> Sitter:
    """Draw a person and paint them."""
    topology = studio.topology
    person = draw_person(topology.head, seed, male=male)
    neutral = neutral_head(topology.head, person) * MM
    fine = topology.fine @ neutral
    eyes = fine[topology.points_of(parts.LEFT_EYE, parts.RIGHT_EYE)]
    rng = np.random.default_rng([*seed, 9])
    return Sitter(
        seed=tuple(seed),
        person=person,
        habits=draw_habits(seed),
        neutral=neutral - 0.5 * (eyes.min(axis=0) + eyes.max(axis=0)),
        paint=paint_person(studio.canvas, person, seed),
        fold_depth=float(0.26 + 0.22 * person.age + rng.uniform(0.0, 0.12)),
        hair_mm=float(rng.uniform(*_HAIR_MM)),
    )


@dataclass(frozen=True)
class Shot:
    """One scan of a sitter.

    Attributes:
        seed: Seed of the scan.
        pose: The expression.
        base: ``(H, 3)`` base mesh with the expression, mm, origin between the eyes at rest.
    """

    seed: tuple[int, ...]
    pose: Pose
    base: FloatArray


def pose_for(studio: Studio, sitter: Sitter, *, emotion: str, intensity: int) -> Shot:
    """Let a sitter show an emotion."""
    seed = [*sitter.seed, 100 + list(EMOTION_CODES).index(emotion), intensity]
    return take_shot(studio, sitter, seed, emotion=emotion, intensity=intensity)


def take_shot(
    studio: Studio, sitter: Sitter, seed: list[int], *, emotion: str, intensity: int
) -> Shot:
    """As :func:`pose_for`, with a seed of one's own and every expression of ``draw_pose``."""
    pose = draw_pose(sitter.habits, seed, emotion=emotion, intensity=intensity)
    base = sitter.neutral / MM
    for unit, weight in pose.units.items():
        studio.topology.head.add_unit(base, unit, weight)
    return Shot(seed=tuple(seed), pose=pose, base=base * MM)


def mesh_points(mesh: Mesh, sitter: Sitter, shot: Shot, *, hair: bool) -> FloatArray:
    """Points ``(V, 3)`` of a mesh in mm, origin between the eyes at rest."""
    points: FloatArray = mesh.matrix @ shot.base
    rest = mesh.matrix @ sitter.neutral
    clear_lids(points, rest, mesh.part)
    if hair:
        _grow_hair(points, mesh.canonical, sitter)
    return points


@dataclass(frozen=True)
class Frame:
    """A coordinate frame of the files: turn about a point, then put that point elsewhere."""

    rotation: FloatArray
    middle: FloatArray
    target: FloatArray

    def place(self, points: FloatArray) -> FloatArray:
        """Points ``(V, 3)`` with the origin between the eyes, in this frame."""
        arm = points - self.middle
        turned = np.stack([(arm * axis).sum(axis=1) for axis in self.rotation], axis=1)
        return np.asarray(turned + self.target)


def frames_of(shot: Shot) -> tuple[Frame, Frame]:
    """Frames of F3D and RAW, which differ from scan to scan and from each other.

    F3D is only shifted, so that a rendered angle is the head's true angle; RAW is turned a little.
    """
    rng = np.random.default_rng([*shot.seed, 10])
    shift, raw_shift = rng.normal(0, [1.5, 2.0, 2.0]), rng.normal(0, [6.0, 8.0, 8.0])
    pitch, yaw, roll = np.clip(rng.normal(0, [2.5, 2.0, 1.2]), -5, 5)
    face = Frame(np.eye(3), np.array([0.0, -24.0, -10.0]), shift)
    raw = Frame(
        rotation_from_angles(float(yaw), float(pitch), float(roll)),
        np.array([0.0, -15.0, -75.0]),
        raw_shift + np.array([0.0, 0.0, -40.0]),
    )
    return face, raw


def take_picture(studio: Studio, sitter: Sitter, shot: Shot) -> npt.NDArray[np.uint8]:
    """The texture of a scan, ``(S, S, 3)`` RGB, row 0 at the top."""
    lights = draw_lights(list(sitter.seed), list(shot.seed))
    light = light_points(fine_points(studio, sitter, shot), studio.surface, lights)
    return develop(studio, sitter, shot, light)


def fine_points(studio: Studio, sitter: Sitter, shot: Shot) -> FloatArray:
    """Points ``(N, 3)`` that light is worked out on, mm, with hair, as in :func:`mesh_points`."""
    points: FloatArray = studio.topology.fine @ shot.base
    _grow_hair(points, studio.topology.canonical, sitter)
    return points


def develop(
    studio: Studio, sitter: Sitter, shot: Shot, light: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """The texture ``(S, S, 3)`` under a light ``(N, 4)`` of the fine points."""
    canvas = studio.canvas
    folds = shade_folds(
        studio.folds, len(sitter.paint), shot.pose.action_units, depth=sitter.fold_depth
    )
    size = canvas.texels.size
    picture = np.empty((size * size, 3), dtype=np.uint8)
    bake(
        sitter.paint,
        folds,
        light,
        canvas.texels.corners,
        canvas.texels.weights,
        display_curve(),
        picture,
    )
    return picture.reshape(size, size, 3)


def clear_lids(points: FloatArray, rest: FloatArray, part: npt.NDArray[np.int64]) -> None:
    """Push lids out of the eyeballs in place: face units move points along straight lines."""
    soft = np.flatnonzero(part == parts.SKIN)
    for eye in (parts.LEFT_EYE, parts.RIGHT_EYE):
        ball = rest[part == eye]
        middle = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
        radius = 0.5 * float(ball[:, 0].max() - ball[:, 0].min())
        front = float(ball[:, 2].max())
        middle[2] = front - radius
        arm = points[soft] - middle
        away = np.sqrt((arm**2).sum(axis=1))
        close = (away < radius + _LID_GAP_MM) & (arm[:, 2] > 0.25 * radius)
        factor = (radius + _LID_GAP_MM) / away[close]
        points[soft[close]] = middle + arm[close] * factor[:, None]


def _grow_hair(points: FloatArray, canonical: FloatArray, sitter: Sitter) -> None:
    """Lift the scalp along rays from the middle of the skull, in place."""
    share = hair_cover(canonical, sitter.person.hairline)
    middle = np.array([0.0, 10.0, -80.0])
    rays = canonical - middle
    rays /= np.sqrt((rays**2).sum(axis=1, keepdims=True))
    wave = 1 + 0.15 * np.sin(canonical[:, 0] / 9) * np.sin(canonical[:, 2] / 11)
    points += (sitter.hair_mm * share * wave)[:, None] * rays
