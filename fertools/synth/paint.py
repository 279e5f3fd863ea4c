"""Colours of a stand-in, painted in coordinates of the average adult head.

Because paint is fixed to the surface, brows, lips and lids move with the expression by themselves.
All colours are linear RGB; :mod:`fertools.synth.shading` multiplies them with light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

from fertools.synth import head as parts
from fertools.synth.atlas import TexelMap, map_texels
from fertools.synth.identity import Person
from fertools.synth.topology import Topology

FloatArray = npt.NDArray[np.float64]

_IRIS_MM = 6.4
_PUPIL_MM = 2.5


@dataclass(frozen=True)
class Canvas:
    """Where each texel lies on the average head.

    Attributes:
        texels: Texel to mesh point.
        place: ``(T, 3)`` mm, origin between the eyes.
        lips: ``(T,)`` share of lip, from the source's own mask.
        lid_edge: ``(T,)`` mm to the margin of the eyelids.
        inside_lids: ``(T,)`` true between the margins of an eye's lids, seen from the front.
        upper: ``(T,)`` true where the nearest lid rim is the upper one.
        mouth_edge: ``(T,)`` mm to the line where the lips meet.
    """

    texels: TexelMap
    place: FloatArray
    lips: FloatArray
    lid_edge: FloatArray
    inside_lids: npt.NDArray[np.bool_]
    upper: npt.NDArray[np.bool_]
    mouth_edge: FloatArray


def make_canvas(topology: Topology, *, size: int) -> Canvas:
    """Work out the canvas of a texture of ``size`` by ``size`` texels."""
    texels = map_texels(
        topology.quads, topology.uv_quads, topology.uvs, topology.quad_parts, size=size
    )
    place = texels.spread(topology.canonical)
    mask_path = topology.head.folder / "mpfb2/textures/mpfb_lips.jpg"
    with Image.open(mask_path) as picture:
        mask = np.asarray(picture.convert("L"), dtype=np.float64) / 255
    where = texels.spread_uv(topology.source_uvs)
    grid = [(1 - where[:, 1]) * mask.shape[0] - 0.5, where[:, 0] * mask.shape[1] - 0.5]
    lips = ndimage.map_coordinates(mask, grid, order=1, mode="nearest")
    lids = _lid_margin(topology)
    lid_edge, nearest = cKDTree(lids).query(place)
    mouth = topology.canonical[topology.rim(parts.SKIN, parts.INNER_MOUTH)]
    mouth_edge, _ = cKDTree(mouth).query(place)
    return Canvas(
        texels=texels,
        place=place,
        lips=np.where(texels.part == parts.SKIN, lips, 0.0),
        lid_edge=np.asarray(lid_edge),
        inside_lids=_nearer_to_eye(place, lids[nearest]),
        upper=np.asarray(lids[nearest, 1] > -1.2),
        mouth_edge=np.asarray(mouth_edge),
    )


def _nearer_to_eye(place: FloatArray, margin: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether points lie nearer to the middle of the eye than the margin points beside them."""
    middle = np.array([29.7, -0.6])
    own, other = (
        np.hypot(np.abs(points[:, 0]) - middle[0], 2.0 * (points[:, 1] - middle[1]))
        for points in (place, margin)
    )
    return np.asarray(own < other - 0.6)


def _lid_margin(topology: Topology) -> FloatArray:
    """Points on the front edge of the lids: the frontmost skin before the rim of the sockets."""
    points = topology.canonical
    rim = points[topology.rim(parts.SKIN, parts.SOCKETS)]
    skin = points[topology.points_of(parts.SKIN)]
    margin = []
    for place in rim:
        near = skin[np.hypot(skin[:, 0] - place[0], skin[:, 1] - place[1]) < 1.1]
        margin.append(near[near[:, 2].argmax()])
    return np.unique(np.array(margin), axis=0)


def paint_person(canvas: Canvas, person: Person, seed: list[int]) -> npt.NDArray[np.float32]:
    """Paint one person.

    Args:
        canvas: The texels.
        person: Colours.
        seed: Seed of the person; noise and freckles come from it.

    Returns:
        ``(T, 4)``: linear RGB and gloss of each texel.
    """
    rng = np.random.default_rng([*seed, 8])
    colour = _skin(canvas, person, rng)
    gloss = np.full(len(colour), 0.8)
    colour = _cover(colour, np.array(person.lips), _lip_cover(canvas))
    gloss = np.where(canvas.lips > 0.5, 1.6, gloss)
    colour = _eye_region(colour, canvas, person)
    colour = _brows(colour, canvas, person, rng)
    colour, gloss = _hair(colour, gloss, canvas, person, rng)
    _paint_inside(colour, gloss, canvas, person)
    for part in (parts.LEFT_EYE, parts.RIGHT_EYE):
        chosen = canvas.texels.part == part
        colour[chosen] = _eye(canvas.place[chosen], person)
        gloss[chosen] = 0.8
    result = np.concatenate([np.clip(colour, 0.002, 1.0), gloss[:, None]], axis=1)
    return result.astype(np.float32)


def hair_cover(place: FloatArray, hairline: float) -> FloatArray:
    """Share of hair, 0 to 1, at points ``(N, 3)`` of the average head."""
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    front = _step(-5.0, 5.0, y - (66.0 + hairline - 0.0042 * x**2))
    side = _step(-4.0, 5.0, -(z + 50.0 + 0.30 * np.maximum(60.0 - y, 0.0))) * _step(-16.0, -8.0, y)
    back = _step(-4.0, 5.0, -(z + 112.0)) * _step(-72.0, -60.0, y)
    ear = (x > 66.0) & (((y + 17.0) / 33.0) ** 2 + ((z + 92.0) / 21.0) ** 2 < 1.0)
    return np.asarray(np.where(ear, 0.0, np.maximum(np.maximum(front, side), back)))


def _step(low: float, high: float, values: FloatArray) -> FloatArray:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))


def _bump(place: FloatArray, centre: tuple[float, float], size: tuple[float, float]) -> FloatArray:
    """A soft spot on both sides of the face, in the x-y plane."""
    x = (np.abs(place[:, 0]) - centre[0]) / size[0]
    y = (place[:, 1] - centre[1]) / size[1]
    return np.asarray(np.exp(-(x**2) - y**2) * (place[:, 2] > -55.0))


def _cover(colour: FloatArray, over: FloatArray, share: FloatArray) -> FloatArray:
    """Lay a colour over another."""
    return np.asarray(colour * (1 - share[:, None]) + over * share[:, None])


def _noise(rng: np.random.Generator, size: int, sigma: float) -> FloatArray:
    """Smooth noise of unit spread over the picture; ``sigma`` in texels of a 512 picture."""
    raw = ndimage.gaussian_filter(rng.normal(size=(size, size)), sigma * size / 512, mode="wrap")
    return np.asarray((raw / raw.std()).ravel())


def _skin(canvas: Canvas, person: Person, rng: np.random.Generator) -> FloatArray:
    """Skin with blotches, redder cheeks and nose, a beard's shadow and sometimes freckles."""
    place, size = canvas.place, canvas.texels.size
    grain = (
        0.022 * _noise(rng, size, 0.6)
        + 0.018 * _noise(rng, size, 2.5)
        + 0.025 * _noise(rng, size, 14)
    )
    colour = np.array(person.skin) * np.exp(grain)[:, None]
    flush = rng.uniform(0.5, 1.0)
    red = flush * (
        0.55 * _bump(place, (34, -32), (17, 15))
        + 0.5 * _bump(place, (0, -38), (11, 9))
        + 0.3 * _bump(place, (0, -92), (12, 10))
    )
    colour *= 1 + (np.array([1.06, 0.80, 0.80]) - 1) * red[:, None]
    sockets = 0.16 * _bump(place, (27, 3), (17, 9)) + 0.10 * _bump(place, (24, -10), (12, 5))
    colour *= 1 - sockets[:, None] * np.array([0.85, 1.05, 1.0])
    if person.beard > 0:
        x, y = np.abs(place[:, 0]), place[:, 1]
        jaw = (
            _step(48, 70, -y)
            * _step(-8, 6, x + 0.35 * (-y - 58))
            * (place[:, 2] > -80)
            * (y > -125)
        )
        lip = np.exp(-(((y + 54) / 6) ** 2) - (x / 24) ** 4)
        shade = np.clip(jaw + lip, 0, 1) * (1 - canvas.lips) * person.beard
        colour = _cover(
            colour,
            np.array(person.hair) + 0.02,
            0.55 * shade * (1 + 0.2 * _noise(rng, size, 0.7)).clip(0.3, 1.6),
        )
    if rng.random() < 0.2 and person.skin[0] > 0.35:
        spots = np.clip(_noise(rng, size, 1.0) - 1.6, 0, 1) * _bump(place, (24, -22), (26, 16))
        colour *= 1 - spots[:, None] * np.array([0.35, 0.5, 0.55])
    return colour


def _lip_cover(canvas: Canvas) -> FloatArray:
    """How much lip colour lies on a texel."""
    return 0.88 * _step(0.25, 0.75, canvas.lips)


def _eye_region(colour: FloatArray, canvas: Canvas, person: Person) -> FloatArray:
    """Lashes along the rims, the crease of the upper lid, and the line between the lips."""
    skin = np.isin(canvas.texels.part, (parts.SKIN, parts.SOCKETS))
    edge, y = canvas.lid_edge, canvas.place[:, 1]
    behind = (edge < 8.0) & canvas.inside_lids & skin
    width = np.where(canvas.upper, 1.3, 0.8)
    strength = np.where(canvas.upper, 0.95 - 0.2 * person.male, 0.6 - 0.3 * person.male)
    lashes = strength * np.exp(-((edge / width) ** 2)) * skin
    wet = np.asarray(0.8 * np.array(person.skin) * np.array([1.0, 0.72, 0.72]))
    colour = _cover(colour, wet, np.asarray(0.8 * (behind & (edge > 0.9))))
    colour = _cover(colour, 0.5 * np.array(person.hair) + 0.004, lashes)
    crease = 0.30 * np.exp(-(((edge - 4.6) / 1.0) ** 2)) * canvas.upper * (y > 5) * skin
    meet = 0.40 * np.exp(-((canvas.mouth_edge / 1.3) ** 2))
    return np.asarray(colour * (1 - crease)[:, None] * (1 - meet)[:, None])


def _brows(
    colour: FloatArray, canvas: Canvas, person: Person, rng: np.random.Generator
) -> FloatArray:
    """Brows of fine hairs along an arch."""
    x, y = np.abs(canvas.place[:, 0]), canvas.place[:, 1]
    along = (x - 10.0) / 38.0
    arch, lift = rng.normal(4.6, 0.8), rng.normal(0.0, 0.8)
    line = 13.2 + lift + arch * np.sin(np.clip(along, 0, 1) * np.pi * 0.78) - 3.0 * along
    half = 3.3 * person.brow_thickness * (1 - 0.62 * np.clip(along, 0, 1) ** 1.4)
    body = np.exp(-(np.abs((y - line) / half) ** 3)) * _step(-0.05, 0.08, along)
    body *= (1 - _step(0.86, 1.04, along)) * (canvas.place[:, 2] > -35)
    hairs = np.clip(0.88 + 0.14 * _noise(rng, canvas.texels.size, 0.7), 0.5, 1.0)
    return _cover(colour, 0.8 * np.array(person.hair), 0.94 * body * hairs)


def _hair(
    colour: FloatArray,
    gloss: FloatArray,
    canvas: Canvas,
    person: Person,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """A cap of short hair; strands run from the parting down."""
    size = canvas.texels.size
    fuzzy = canvas.place + 1.5 * _noise(rng, size, 0.8)[:, None] * np.array([0.0, 1.0, 1.0])
    share = hair_cover(fuzzy, person.hairline) * np.isin(
        canvas.texels.part, (parts.SKIN, parts.NECK)
    )
    fine = ndimage.gaussian_filter(
        rng.normal(size=(size, size)), (3.5 * size / 512, 0.7 * size / 512), mode="wrap"
    )
    strands = np.exp(0.35 * (fine / fine.std()).ravel())
    hair = np.array(person.hair) * strands[:, None]
    return _cover(colour, hair, 0.97 * share), np.asarray(np.where(share > 0.5, 0.5, gloss))


def _paint_inside(colour: FloatArray, gloss: FloatArray, canvas: Canvas, person: Person) -> None:
    """Mouth lining, tongue, teeth with gums, and the lining of the eye sockets, in place."""
    part, place = canvas.texels.part, canvas.place
    lining = part == parts.INNER_MOUTH
    lip = np.exp(-canvas.mouth_edge[lining] / 3.0)[:, None]
    rim = np.median(colour[canvas.lips > 0.8], axis=0)
    colour[lining] = (1 - lip) * np.array([0.20, 0.05, 0.05]) + lip * 0.75 * rim
    tongue = part == parts.TONGUE
    colour[tongue] = np.array([0.42, 0.14, 0.14])
    for teeth, gum_y, sign in ((parts.UPPER_TEETH, -58.0, 1.0), (parts.LOWER_TEETH, -78.0, -1.0)):
        chosen = part == teeth
        across = np.abs(place[chosen, 0])
        gaps = 1 - 0.22 * np.exp(-((((across % 8.0) - 4.0) / 0.5) ** 2))
        gum = _step(-1.0, 1.5, sign * (place[chosen, 1] - gum_y))
        enamel = np.array([0.74, 0.69, 0.58]) * gaps[:, None]
        colour[chosen] = enamel * (1 - gum[:, None]) + np.array([0.42, 0.15, 0.15]) * gum[:, None]
        gloss[chosen] = 1.0
    wet = (part == parts.SOCKETS) & (canvas.lid_edge > 2.0)
    colour[wet] = 0.55 * np.array(person.skin) * np.array([1.0, 0.75, 0.75])


def _eye(place: FloatArray, person: Person) -> FloatArray:
    """White, iris, pupil and a catchlight, seen from the front of the ball."""
    middle = 0.5 * (place.min(axis=0) + place.max(axis=0))
    x, y = (place - middle)[:, 0], (place - middle)[:, 1]
    radius = np.hypot(x, y)
    turn = np.arctan2(y, x)
    white = np.array([0.70, 0.66, 0.63]) * (1 - 0.25 * _step(6, 14, radius))[:, None]
    white *= (1 - 0.35 * _step(1.5, 5.5, y))[:, None]
    rays = 1 + 0.22 * np.sin(turn * 31) * np.sin(turn * 17 + 1)
    dark_rim = 1 - 0.6 * _step(_IRIS_MM - 1.4, _IRIS_MM, radius)
    iris = (
        1.3 * np.array(person.iris) * (rays * dark_rim * (0.75 + 0.5 * radius / _IRIS_MM))[:, None]
    )
    colour = _cover(white, iris, 1 - _step(_IRIS_MM - 0.4, _IRIS_MM + 0.4, radius))
    colour = _cover(colour, np.full(3, 0.006), 1 - _step(_PUPIL_MM - 0.3, _PUPIL_MM + 0.3, radius))
    spark = np.exp(-((x + 1.9) ** 2 + (y - 2.2) ** 2) / 0.9)
    return np.asarray(colour + 0.9 * spark[:, None])
