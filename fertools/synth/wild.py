"""One photograph of a stand-in in the wild, and what is true about it.

The head's centre lies on the camera's optical axis, and the picture is a cut-out about it, as a
shifted lens gives. So the pose is that relative to the axis and to the line of sight at once, and
no correction is due for a head off the picture's middle.

"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from fertools.geometry import rotation_from_angles
from fertools.render.camera import Camera
from fertools.synth.accessories import cover_face
from fertools.synth.backgrounds import draw_background
from fertools.synth.ibug import ibug68_vertices
from fertools.synth.long_hair import grow_long_hair, has_long_hair
from fertools.synth.portrait import Portrait, compose, take_portrait
from fertools.synth.shading import Lights
from fertools.synth.sheets import Sheet
from fertools.synth.sitting import Shot, Sitter, Studio, mesh_points
from fertools.synth.torso import draw_clothes
from fertools.synth.wild_conditions import Conditions, beside

__all__ = ["Photograph", "draw_empty_picture", "take_photograph"]

FloatArray = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
_Picture = TypeVar("_Picture", Pixels, Floats)

FACE_MM = 145.0
"""From ear to ear, about: what ``face_px`` counts."""

_ROOM_LAMPS = 14


@dataclass(frozen=True)
class Photograph:
    """A picture with what is known about the main face.

    Attributes:
        picture: Shape ``(H, W, 3)``, uint8 RGB.
        points: Shape ``(68, 2)``, iBUG landmarks in pixels (see :mod:`fertools.render.camera`).
        visible: Shape ``(68,)``; False where head, body or an occluding thing hides a point.
        conditions: How it was taken.
    """

    picture: Pixels
    points: FloatArray
    visible: npt.NDArray[np.bool_]
    conditions: Conditions


def take_photograph(
    studio: Studio,
    sitter: Sitter,
    shot: Shot,
    conditions: Conditions,
    *,
    seed: list[int],
    bystander: tuple[Sitter, Shot] | None = None,
) -> Photograph:
    """Take one photograph.

    Args:
        studio: A texture of 384 is enough.
        sitter: The person.
        shot: Their expression.
        conditions: From :func:`draw_conditions`.
        seed: Of the picture; colours of the background, clothes and grain come from it.
        bystander: Who else is in the picture, if the conditions ask for it.

    Returns:
        The picture before it is made a JPEG.
    """
    rng = np.random.default_rng([*seed, 22])
    c = conditions
    lights = _lamps(c, rng)
    behind = draw_background(c.background, c.width, c.height, rng)
    behind *= np.float32(np.clip(c.exposure * rng.uniform(0.6, 1.15), 0.25, 1.6))
    picture = np.clip(behind, 0, 255).astype(np.uint8)
    if c.bystander and bystander is not None:
        other = beside(c, rng)
        portrait = _portrait(studio, *bystander, other, lights, rng, seed=[*seed, 1])
        picture = compose(portrait, picture)
        if rng.random() < 0.6:
            picture = _blurred(picture, max(0.3, other.face_px / 40.0))
    portrait = _portrait(studio, sitter, shot, c, lights, rng, seed=[*seed, 0])
    picture = _develop(compose(portrait, picture), c, rng)
    return Photograph(picture, portrait.points, portrait.visible, c)


def draw_empty_picture(conditions: Conditions, *, seed: list[int]) -> Pixels:
    """A picture without any face, ``(H, W, 3)``."""
    rng = np.random.default_rng([*seed, 22])
    behind = draw_background(conditions.background, conditions.width, conditions.height, rng)
    return _develop(behind.astype(np.uint8), conditions, rng)


def _portrait(
    studio: Studio,
    sitter: Sitter,
    shot: Shot,
    conditions: Conditions,
    lights: Lights,
    rng: np.random.Generator,
    *,
    seed: list[int],
) -> Portrait:
    """A head where the conditions want it, cut to the picture's size."""
    c, raw = conditions, studio.topology.raw
    rotation = rotation_from_angles(c.yaw_deg, c.pitch_deg, c.roll_deg)
    vertices = ibug68_vertices(raw)
    things: list[Sheet] = []
    head = mesh_points(raw, sitter, shot, hair=True)
    if has_long_hair(sitter):
        things += grow_long_hair(sitter, head, head[vertices])
    if c.occlusion != "none":
        skin = np.array(sitter.person.skin)
        things += cover_face(c.occlusion, head[vertices], rotation, skin, rng)
    size = max(c.width, c.height)
    left, top = (size - c.width) // 2, (size - c.height) // 2
    millimetres = FACE_MM / c.face_px
    camera = Camera(
        image_size=size,
        window_mm=size * millimetres,
        distance_mm=c.distance_mm,
        offset_mm=(
            (0.5 * size - c.face_x - left) * millimetres,
            (c.face_y + top - 0.5 * size) * millimetres,
        ),
    )
    portrait = take_portrait(
        studio,
        sitter,
        shot,
        rotation=rotation,
        lights=lights,
        camera=camera,
        vertices=vertices,
        body=rotation_from_angles(float(rng.uniform(0.2, 0.8)) * c.yaw_deg + rng.normal(0, 8)),
        clothes=draw_clothes(seed),
        things=things,
    )
    points = portrait.points - [left, top]
    inside = ((points >= 0) & (points < [c.width, c.height])).all(axis=1)
    window = (slice(top, top + c.height), slice(left, left + c.width))
    return replace(
        portrait,
        picture=portrait.picture[window],
        alpha=portrait.alpha[window],
        points=points,
        visible=portrait.visible & inside,
    )


def _lamps(conditions: Conditions, rng: np.random.Generator) -> Lights:
    """The lamp, a fill from the other side, and the room, in camera coordinates."""
    c = conditions
    warmth = rng.normal(0, 0.09)
    tint = np.array([1 + warmth, 1.0, 1 - 1.2 * warmth])
    turns = rng.normal(0, 9, (5, 2)) if not c.light_hard else np.zeros((1, 2))
    directions = [_direction(c.light_yaw_deg + y, c.light_pitch_deg + p) for y, p in turns]
    colours = [1.25 * c.light_share * tint / len(turns)] * len(turns)
    shine = [1.0 / len(turns)] * len(turns)
    rest = 1.0 - c.light_share
    fill = float(rng.uniform(0.1, 0.45)) * rest
    for yaw in (-12.0, 12.0):
        directions.append(_direction(-c.light_yaw_deg + yaw, 5.0))
        colours.append(0.5 * fill * (2 - tint))
        shine.append(0.1)
    around = np.arange(_ROOM_LAMPS) + 0.5
    height = 1 - 1.7 * around / _ROOM_LAMPS
    turn = np.pi * (1 + np.sqrt(5)) * around
    flat = np.sqrt(1 - height**2)
    cast = np.clip(1 + rng.normal(0, 0.06, 3), 0.8, 1.2)
    for x, y, z in zip(flat * np.sin(turn), height, flat * np.cos(turn), strict=True):
        directions.append(np.array([x, y, z]))
        colours.append(2.6 * (rest - fill) * (0.75 + 0.35 * y) / _ROOM_LAMPS * cast)
        shine.append(0.0)
    return Lights(np.array(directions), c.exposure * np.array(colours), np.array(shine))


def _direction(yaw_deg: float, pitch_deg: float) -> FloatArray:
    """Unit vector turned from the viewer to the right and upwards."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


def _develop(picture: Pixels, conditions: Conditions, rng: np.random.Generator) -> Pixels:
    """Blur, contrast, colour and grain."""
    c = conditions
    values = _blurred(picture, c.blur_px).astype(np.float32)
    contrast, lift = np.exp(rng.normal(0, 0.10)), rng.normal(0, 5.0)
    values = (values - 118.0) * np.float32(contrast) + np.float32(118.0 + lift)
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = (values * weights).sum(axis=2)
    colour = 0.0 if c.grey else float(np.clip(rng.normal(0.97, 0.18), 0.4, 1.4))
    values = grey[..., None] + np.float32(colour) * (values - grey[..., None])
    values *= np.float32(1.0) if c.grey else np.exp(rng.normal(0, 0.025, 3)).astype(np.float32)
    grain = rng.normal(0, c.noise, values.shape[:2]).astype(np.float32)
    values += _blurred(grain, 0.45)[..., None] * np.float32(1.5)
    return np.asarray(np.clip(values + 0.5, 0.0, 255.0), dtype=np.uint8)


def _blurred(picture: _Picture, sigma: float) -> _Picture:
    """Gaussian blur; nothing below 0.2 pixels."""
    import cv2

    if sigma < 0.2:
        return picture
    return cast("_Picture", cv2.GaussianBlur(picture, (0, 0), sigma))
