"""A photograph of one stand-in: a head with neck and shoulders, in given light, before a camera.

The light is worked out for every picture with the head as it is turned, so lamps stay in the room
while the head moves. Camera coordinates are those of :mod:`fertools.geometry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray, angles_from_rotation, rotation_from_angles
from fertools.mesh import FaceScan
from fertools.render.backends import Look
from fertools.render.camera import Camera
from fertools.render.scene import render_scan
from fertools.synth.cropping import COLLAR
from fertools.synth.shading import Lights, light_points
from fertools.synth.sheets import Sheet, SheetMesh, join_sheets, paint_sheet, turned
from fertools.synth.sitting import Shot, Sitter, Studio, develop, fine_points, mesh_points
from fertools.synth.topology import Mesh
from fertools.synth.torso import Clothes, bend_neck, draw_clothes, dress

__all__ = ["HEAD_CENTRE", "Portrait", "compose", "light_scene", "take_portrait", "turn_lights"]

IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]

HEAD_CENTRE = (0.0, -35.0, -60.0)
"""About the middle of the head, mm, origin between the eyes: what it turns about by default."""


@dataclass(frozen=True)
class Portrait:
    """A head as a camera sees it.

    Attributes:
        picture: Shape ``(S, S, 3)``, uint8 RGB on black: already multiplied with ``alpha``.
        alpha: Shape ``(S, S)``, float32 in [0, 1]: how much of a pixel head and body cover.
        points: Shape ``(K, 2)``, pixels (see :mod:`fertools.render.camera`).
        visible: Shape ``(K,)``; False where the head or the body hides a point, or it is outside.
        yaw_deg: Of the rotation that was asked for, by :func:`angles_from_rotation`: relative to
            the optical axis, which the head's centre lies on.
        pitch_deg: Likewise.
        roll_deg: Likewise.
    """

    picture: Pixels
    alpha: npt.NDArray[np.float32]
    points: FloatArray
    visible: npt.NDArray[np.bool_]
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def take_portrait(
    studio: Studio,
    sitter: Sitter,
    shot: Shot,
    *,
    rotation: FloatArray,
    lights: Lights,
    camera: Camera,
    vertices: IntArray,
    body: FloatArray | None = None,
    clothes: Clothes | None = None,
    things: Sequence[Sheet] = (),
    centre: tuple[float, float, float] = HEAD_CENTRE,
) -> Portrait:
    """Light a head and draw it with neck and shoulders.

    Args:
        studio: Meshes and canvas; a texture of 384 is enough for a face of 200 pixels.
        sitter: The person.
        shot: The expression.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        lights: In CAMERA coordinates, so they stay where they are when the head turns; lights that
            turn with the head are made by ``turn_lights(lights, rotation)``.
        camera: Its optical axis goes through ``centre``; ``window_mm`` counts in that plane.
        vertices: Shape ``(K,)``, vertex numbers of ``studio.topology.raw`` whose places are wanted.
        body: Shape ``(3, 3)``, the shoulders to camera coordinates; if left out they are upright
            and turned half as far as the head. A camera that walks about a person who looks
            straight ahead has ``body=rotation``.
        clothes: The shirt; the sitter's own if left out.
        things: What else is there, such as glasses, in the head's frame; they hide points.
        centre: The point that the head turns about, mm, origin between the eyes.

    Raises:
        ScanError: If the head reaches behind the eye of a perspective camera.
    """
    yaw, pitch, roll = angles_from_rotation(rotation)
    scan, head = light_scene(
        studio,
        sitter,
        shot,
        rotation=rotation,
        lights=lights,
        body=body,
        clothes=clothes,
        things=things,
    )
    views = [
        render_scan(
            scan,
            [rotation],
            camera=camera,
            look=Look(background=background),
            landmarks=head[vertices],
            centre=np.array(centre),
        )
        for background in ((0, 0, 0), (255, 255, 255))
    ]
    black, white = views[0].pictures[0], views[1].pictures[0]
    uncovered = (white.astype(np.float32) - black).mean(axis=2) / np.float32(255.0)
    return Portrait(
        picture=black,
        alpha=np.clip(1.0 - uncovered, 0.0, 1.0),
        points=views[0].landmarks[0],
        visible=views[0].visible[0],
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
    )


def light_scene(
    studio: Studio,
    sitter: Sitter,
    shot: Shot,
    *,
    rotation: FloatArray,
    lights: Lights,
    body: FloatArray | None = None,
    clothes: Clothes | None = None,
    things: Sequence[Sheet] = (),
) -> tuple[FaceScan, FloatArray]:
    """The first half of a portrait, before any camera: several may look at the same lit head.

    Args:
        studio: As in :func:`take_portrait`, like all that follows. Instead of camera coordinates
            those of the room may be meant; ``rotation``, ``lights`` and ``body`` then refer to it.
        sitter: The person.
        shot: The expression.
        rotation: Of the head.
        lights: Where they stand.
        body: Of the shoulders.
        clothes: The shirt.
        things: What else is there.

    Returns:
        Head, shirt and things with their texture, in the head's frame, and the head's points
        ``(V, 3)`` by the numbers of ``studio.topology.raw``.
    """
    below = rotation_from_angles(0.5 * angles_from_rotation(rotation)[0]) if body is None else body
    topology, raw = studio.topology, studio.topology.raw
    lights = _off_the_vertical(lights)

    fine = bend_neck(fine_points(studio, sitter, shot), topology.canonical, rotation, below)
    light = light_points(turned(fine, rotation), studio.surface, lights)
    texture = develop(studio, sitter, shot, light)

    head = mesh_points(raw, sitter, shot, hair=True)
    head = bend_neck(head, raw.canonical, rotation, below)
    shirt = clothes or draw_clothes(list(sitter.seed))
    sheets = [dress(head[_rim(raw)], shirt, rotation, below), *things]
    strips = [paint_sheet(s, lights, rotation, size=texture.shape[1]) for s in sheets]
    return _assemble(raw, head, join_sheets(sheets), [texture, *strips]), head


def compose(portrait: Portrait, background: Pixels) -> Pixels:
    """A portrait before a background ``(S, S, 3)`` of the same size."""
    clear = (1.0 - portrait.alpha)[..., None]
    return np.asarray(
        np.clip(portrait.picture + clear * background + 0.5, 0.0, 255.0), dtype=np.uint8
    )


def turn_lights(lights: Lights, rotation: FloatArray) -> Lights:
    """Lights of the head's frame in camera coordinates, or with ``rotation.T`` the way back."""
    return replace(lights, directions=turned(lights.directions, rotation))


def _off_the_vertical(lights: Lights) -> Lights:
    """The same lights, none of them straight above or below, where a shadow map has no side."""
    directions = lights.directions.copy()
    flat = np.hypot(directions[:, 0], directions[:, 2]) < 1e-3
    directions[flat, 2] += 2e-3
    return replace(lights, directions=directions / np.linalg.norm(directions, axis=1)[:, None])


@lru_cache(maxsize=2)
def _rim(mesh: Mesh) -> IntArray:
    """Vertex numbers of the neck's cut end."""
    return np.flatnonzero(mesh.canonical[:, 1] < COLLAR + 1.5)


def _assemble(mesh: Mesh, head: FloatArray, sheets: SheetMesh, textures: list[Pixels]) -> FaceScan:
    """Head and sheets as one mesh, their textures below each other."""
    faces, uv_faces = mesh.triangles
    rows, size = len(textures[0]), textures[0].shape[1]
    total = rows + sheets.num_rows
    uvs = np.stack([mesh.uvs[:, 0], 1.0 - (1.0 - mesh.uvs[:, 1]) * rows / total], axis=1)
    column, row = sheets.places.T
    sheet_uvs = np.stack([(0.5 + column * (size - 1)) / size, 1.0 - (rows + row) / total], axis=1)
    return FaceScan(
        vertices=np.concatenate([head, sheets.points]),
        faces=np.concatenate([faces, sheets.triangles + np.int32(len(head))]),
        uvs=np.concatenate([uvs, sheet_uvs]),
        uv_faces=np.concatenate([uv_faces, sheets.triangles + np.int32(len(uvs))]),
        texture=np.concatenate(textures),
    )
