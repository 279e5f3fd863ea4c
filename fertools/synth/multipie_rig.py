"""Multi-PIE's studio: where the cameras and flashes stand about a chair, and what they see.

Room coordinates are those of a picture from camera 05_1, which the person faces: x to its right, y
up, z towards it. The flashes stay in the room, so each lights the same side of a head in the
pictures of all cameras. The authors' list of the flashes' places is not public; here 01 to 13 stand
at the height of the face from the left of that picture to its right, 15 degrees apart, which puts
07 right in front, and 14 to 18 stand higher, again from left to right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from fertools.formats.multipie import CAMERA_YAWS, ELEVATED_CAMERAS
from fertools.geometry import FloatArray, rotation_from_angles
from fertools.render.backends import Look
from fertools.render.camera import Camera
from fertools.render.scene import render_scan
from fertools.synth.ibug import IBUG_MIRROR, ibug68_vertices
from fertools.synth.portrait import HEAD_CENTRE, Pixels, light_scene
from fertools.synth.shading import Lights
from fertools.synth.sheets import Sheet, turned
from fertools.synth.sitting import Shot, Sitter, Studio
from fertools.synth.torso import Clothes

__all__ = [
    "ALL_CAMERAS",
    "ILLUMINATIONS",
    "SIZE",
    "Seat",
    "View",
    "camera_rotation",
    "draw_seat",
    "labelled_points",
    "lights_of",
    "photograph",
]

SIZE = (640, 480)
"""Width and height of a picture."""

ALL_CAMERAS = (*CAMERA_YAWS, *ELEVATED_CAMERAS)
ILLUMINATIONS = tuple(range(20))

_ELEVATED_YAWS = MappingProxyType({"08_1": -45.0, "19_1": 45.0})
_ELEVATION = 28.0
_WINDOW_MM = 510.0
_DISTANCE_MM = 1500.0
_LOOK_BELOW_MM = 14.0  # the cameras aim at the chin rather than at the eyes
_ROOM_ONLY = (0, 19)
_ROOM_WITH_FLASH = 0.42
_ROOM_LAMPS = 14
_HIGH_FLASHES = ((-60.0, 38.0), (-30.0, 42.0), (0.0, 45.0), (30.0, 42.0), (60.0, 38.0))
_WALL = np.array([101.0, 105.0, 110.0])
_CHAIR = (0.020, 0.022, 0.027)
_RIGHT_HALF = np.r_[0:9, 17:22, 27:34, 36:42, 48:52, 57:63, 66:68]


@dataclass(frozen=True)
class Seat:
    """How a person sits during one recording.

    Attributes:
        rotation: Shape ``(3, 3)``, the head to room coordinates.
        shift_mm: Shape ``(3,)``, the head's centre from where the cameras aim, in the room.
    """

    rotation: FloatArray
    shift_mm: FloatArray


@dataclass(frozen=True)
class View:
    """One picture with what is known about it.

    Attributes:
        picture: Shape ``(480, 640, 3)``, uint8 RGB.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        points: Shape ``(68, 2)``, iBUG landmarks in pixels of the picture.
        visible: Shape ``(68,)``; False where head or body hides a point, or it is outside.
    """

    picture: Pixels
    rotation: FloatArray
    points: FloatArray
    visible: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def draw_seat(seed: list[int]) -> Seat:
    """A seated person looks ahead, to about two degrees, and never sits twice at the same place."""
    rng = np.random.default_rng([*seed, 21])
    yaw, pitch, roll = np.clip(rng.normal(0.0, [2.0, 2.0, 1.3]), -5.0, 5.0).tolist()
    shift = np.clip(rng.normal(0.0, [10.0, 8.0, 12.0]), -22.0, 22.0)
    return Seat(rotation_from_angles(yaw, pitch, roll), shift)


def camera_rotation(camera: str) -> FloatArray:
    """Room to camera coordinates, shape ``(3, 3)``, of one of :data:`ALL_CAMERAS`.

    Example:
        >>> nose = camera_rotation("24_0") @ np.array([0.0, 0.0, 1.0])  # to the picture's right
        >>> nose.round(6).tolist()
        [1.0, 0.0, 0.0]
    """
    if camera in _ELEVATED_YAWS:
        return rotation_from_angles(0.0, -_ELEVATION) @ rotation_from_angles(_ELEVATED_YAWS[camera])
    return rotation_from_angles(float(CAMERA_YAWS[camera]))


@lru_cache(maxsize=32)
def lights_of(illumination: int) -> Lights:
    """The lights of an illumination, 0 to 19, in room coordinates.

    00 and 19 are the room's own light; with a flash the room counts for less, since the flash is
    what the picture is exposed for.
    """
    room = 1.0 if illumination in _ROOM_ONLY else _ROOM_WITH_FLASH
    steps = (np.arange(_ROOM_LAMPS) + 0.5) / _ROOM_LAMPS
    height = 1.0 - 1.5 * steps
    turn = np.pi * (1 + np.sqrt(5)) * (np.arange(_ROOM_LAMPS) + 0.5)
    flat = np.sqrt(1.0 - height**2)
    directions = [np.stack([flat * np.cos(turn), height, flat * np.sin(turn)], axis=1)]
    strength = (0.62 + 0.55 * height) * (1.0 + 0.35 * directions[0][:, 2])
    colours = [1.4 * room * strength[:, None] / _ROOM_LAMPS * np.array([1.04, 1.0, 0.94])]
    shine = [np.full(_ROOM_LAMPS, 0.15 * room / _ROOM_LAMPS)]
    if illumination not in _ROOM_ONLY:
        yaw, pitch = _flash_place(illumination)
        spots = [_direction(yaw + a, pitch + b) for a, b in ((0, 0), (3, 2), (-3, 2), (0, -4))]
        directions.append(np.array(spots))
        colours.append(np.full((len(spots), 3), 0.88 / len(spots)))
        shine.append(np.full(len(spots), 1.0 / len(spots)))
    return Lights(np.concatenate(directions), np.concatenate(colours), np.concatenate(shine))


def photograph(
    studio: Studio,
    sitter: Sitter,
    shot: Shot,
    seat: Seat,
    clothes: Clothes,
    *,
    cameras: tuple[str, ...],
    illumination: int,
) -> list[View]:
    """One recording as the cameras see it at the same moment, one view a camera."""
    chair = _chair(sitter, seat.rotation)
    scene, head = light_scene(
        studio,
        sitter,
        shot,
        rotation=seat.rotation,
        lights=lights_of(illumination),
        body=np.eye(3),
        clothes=clothes,
        things=[chair],
    )
    width, height = SIZE
    rotations = [camera_rotation(camera) @ seat.rotation for camera in cameras]
    drawn = render_scan(
        scene,
        rotations,
        camera=Camera(width, _WINDOW_MM, _DISTANCE_MM, offset_mm=(0.0, -_LOOK_BELOW_MM)),
        look=Look(background=_backdrop(illumination)),
        landmarks=head[ibug68_vertices(studio.topology.raw)],
        centre=np.array(HEAD_CENTRE) - seat.rotation.T @ seat.shift_mm,
    )
    top = (width - height) // 2  # the camera's picture is square
    points = drawn.landmarks - np.array([0.0, float(top)])
    inside = (points[..., 1] >= 0.0) & (points[..., 1] < height)
    return [
        View(
            picture=np.ascontiguousarray(drawn.pictures[index, top : top + height]),
            rotation=rotation,
            points=points[index],
            visible=drawn.visible[index] & inside[index],
        )
        for index, rotation in enumerate(rotations)
    ]


def labelled_points(points: FloatArray, camera: str) -> FloatArray:
    """What a label file holds of 68 points: all, or from the side the 39 of the half that is seen.

    The half of a side view is 9 points of the jaw, 5 of the brow, 7 of the nose, 6 of the eye and
    12 of the lips, in the order of the 68; which 39 the authors took is not public.
    """
    yaw = _ELEVATED_YAWS.get(camera, CAMERA_YAWS.get(camera, 0))
    if abs(yaw) <= 45:
        return points
    half: FloatArray = points[_RIGHT_HALF if yaw > 0 else IBUG_MIRROR[_RIGHT_HALF]]
    return half


def _flash_place(illumination: int) -> tuple[float, float]:
    """Where a flash stands: degrees to the right of camera 05_1's picture, and up."""
    if illumination <= 13:
        return 15.0 * (illumination - 7), 4.0
    return _HIGH_FLASHES[illumination - 14]


def _direction(yaw_deg: float, pitch_deg: float) -> FloatArray:
    """Unit vector from the face, turned from +z to the right and upwards."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


def _backdrop(illumination: int) -> tuple[int, int, int]:
    """The grey of the studio's walls, darker where a flash lights the person more than them."""
    red, green, blue = np.rint(_WALL * (1.0 if illumination in _ROOM_ONLY else 0.72)).tolist()
    return int(red), int(green), int(blue)


def _chair(sitter: Sitter, rotation: FloatArray) -> Sheet:
    """The back of the chair, a rounded slab behind the shoulders, in the head's frame."""
    turn = np.linspace(-np.pi, np.pi, 41)
    downs = np.array([0.0, 0.5, 3.0, 12.0, 40.0, 300.0])
    shrink = np.array([0.0, 0.90, 0.96, 0.99, 1.0, 1.0])
    across = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.35
    along = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.35
    grid = np.empty((len(downs), len(turn), 3))
    for ring, down, size in zip(grid, downs, shrink, strict=True):
        ring[:, 0] = size * 205.0 * across
        ring[:, 1] = -185.0 - down
        ring[:, 2] = -215.0 + size * 22.0 * along + 18.0 * np.abs(across) ** 2
    depth = sitter.neutral[:, 2].min()
    grid[..., 2] += min(0.0, float(depth) + 190.0)
    return Sheet(
        grid=turned(grid, rotation.T),
        colours=np.full((1, 1, 3), 1.0) * np.array(_CHAIR),
        shade=np.ones(len(downs)),
        gloss=0.05,
    )
