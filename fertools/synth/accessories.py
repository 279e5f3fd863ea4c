"""What hides a part of a face in a portrait: sunglasses, a scarf, a hand, a pole or a microphone.

Each is made of :class:`fertools.synth.sheets.Sheet`, fitted to the 68 landmarks of one face, so it
stands in space before the face and hides the landmarks that it should.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fertools.synth.sheets import Sheet, stretch, turned

__all__ = ["OCCLUSIONS", "cover_face"]

FloatArray = npt.NDArray[np.float64]

OCCLUSIONS = ("none", "sunglasses", "scarf", "hand", "bar", "microphone")
"""What :func:`cover_face` knows."""


def cover_face(
    kind: str,
    points: FloatArray,
    rotation: FloatArray,
    skin: FloatArray,
    rng: np.random.Generator,
) -> list[Sheet]:
    """Things before one face.

    Args:
        kind: One of :data:`OCCLUSIONS`.
        points: Shape ``(68, 3)``, the face's landmarks, mm in the head's frame.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        skin: Linear RGB of the person's skin.
        rng: Where to draw the rest from.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind == "none":
        return []
    if kind == "sunglasses":
        return _sunglasses(points, rng)
    if kind == "scarf":
        return [_scarf(points, rng)]
    if kind == "hand":
        return _hand(points, skin, rng)
    if kind == "bar":
        return [_bar(points, rotation, rng)]
    if kind == "microphone":
        return _microphone(points, rotation, rng)
    raise ValueError(f"unknown occlusion {kind!r}; expected one of {', '.join(OCCLUSIONS)}")


def _sunglasses(points: FloatArray, rng: np.random.Generator) -> list[Sheet]:
    """Two lenses, a bridge and two arms."""
    dark = np.array([0.012, 0.012, 0.014]) * rng.uniform(0.4, 3.0) * rng.uniform(0.7, 1.3, 3)
    frame = dark * 0.6 if rng.random() < 0.7 else np.array([0.12, 0.07, 0.03])
    half_wide, half_high = rng.uniform(24, 29), rng.uniform(18, 24)
    power = rng.uniform(0.55, 0.95)
    turn, radius = np.linspace(0, 2 * np.pi, 33), np.linspace(0.02, 1.0, 6)
    sheets, inner, outer = [], [], []
    front = points[27, 2] + 7.0
    for eye in (points[36:42].mean(axis=0), points[42:48].mean(axis=0)):
        side = np.sign(eye[0])
        across = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
        up = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
        x = eye[0] + side * 2.0 + half_wide * radius[:, None] * across
        y = eye[1] - 4.0 + half_high * radius[:, None] * up
        z = front - ((np.abs(x) - 10.0) / 17.0) ** 2 - ((y - eye[1]) / 20.0) ** 2
        colours = np.where(np.arange(12)[:, None, None] < 10, dark, frame)
        sheets.append(_sheet(np.stack([x, y, z], axis=-1), colours, gloss=0.5))
        at = (half_wide, side, eye)
        inner.append([eye[0] + side * (2.0 - at[0]), eye[1], front - 0.5])
        edge = eye[0] + side * (2.0 + at[0] - 1.0)
        outer.append([edge, eye[1] + 4.0, front - ((abs(edge) - 10.0) / 17.0) ** 2])
    sheets.append(_capsule(np.array(inner[0]), np.array(inner[1]), 2.0, 2.0, frame))
    for end, ear in zip(outer, (points[0], points[16]), strict=True):
        behind = np.array([ear[0] + np.sign(ear[0]) * 7.0, end[1] + 2.0, ear[2] - 34.0])
        sheets.append(_capsule(np.array(end), behind, 2.2, 1.8, frame))
    return sheets


def _scarf(points: FloatArray, rng: np.random.Generator) -> Sheet:
    """A cloth about the lower face, up to the nose."""
    low = points[:17]
    half = 0.5 * (low[14, 0] - low[2, 0]) + rng.uniform(7, 12)
    middle_z = low[[2, 14], 2].mean() - 6.0
    front = max(points[30, 2] - 2.0, points[51, 2] + 7.0, points[8, 2] + 12.0) - middle_z
    top = points[33, 1] + rng.uniform(-6.0, 16.0)
    bottom = points[8, 1] - 26.0
    turn = np.linspace(-1.75, 1.75, 41)
    rows = np.linspace(0.0, 1.0, 12)
    bulge = 1.0 + 0.05 * np.sin(rows * np.pi * rng.uniform(3, 6) + rng.uniform(0, 6))
    sag = rng.uniform(4.0, 10.0) * (1 - np.cos(turn)) - 14.0 * np.exp(-((turn / 0.35) ** 2)) * 0.5
    x = np.outer(bulge, half * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.9)
    z = middle_z + np.outer(bulge, front * np.cos(turn))
    y = (top + (bottom - top) * rows)[:, None] - (1 - rows)[:, None] * sag
    hue = rng.uniform(0, 2 * np.pi)
    tint = 1 + 0.7 * rng.beta(1.2, 2.0) * np.cos(hue + np.array([0.0, 2.1, 4.2]))
    colour = rng.uniform(0.02, 0.4) * tint
    weave = 1 + 0.35 * np.sin(np.arange(48) * rng.uniform(0.3, 2.0))[:, None, None]
    grain = stretch(rng.normal(size=(10, 24)), 48, 96)
    colours = np.clip(colour * weave * (1 + 0.18 * grain[..., None]), 0.005, 0.8)
    return _sheet(np.stack([x, y, z], axis=-1), colours)


def _hand(points: FloatArray, skin: FloatArray, rng: np.random.Generator) -> list[Sheet]:
    """A hand that lies on mouth, cheek or eye, and its forearm from below."""
    side = float(rng.choice([-1.0, 1.0]))
    place = str(rng.choice(["mouth", "cheek", "eye"], p=[0.45, 0.3, 0.25]))
    eye = points[42:48] if side > 0 else points[36:42]
    mouth = points[48:60].mean(axis=0)
    target = {
        "mouth": mouth + np.array([side * rng.uniform(-4, 10), 0.0, 4.0]),
        "cheek": np.array([side * 42.0, 0.5 * (mouth[1] + eye[:, 1].mean()), mouth[2] - 6.0]),
        "eye": eye.mean(axis=0) + np.array([0.0, -2.0, 10.0]),
    }[place]
    along = np.array([-side * rng.uniform(0.15, 0.8), rng.uniform(0.7, 1.0), 0.05])
    along /= np.linalg.norm(along)
    across = np.cross(along, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    out = np.array([0.0, 0.0, 1.0])
    tint = skin * np.array([0.95, 0.87, 0.86])
    knuckles = target - 34.0 * along + 9.0 * out
    wrist = knuckles - 78.0 * along + np.array([side * 8.0, 0.0, 16.0])
    sheets = [_capsule(wrist + 18 * along, knuckles + 4 * along, 30, 33, tint, flat=(out, 0.38))]
    for k, length in enumerate((66.0, 76.0, 72.0, 56.0)):
        fan = (k - 1.5) * 0.07 + rng.normal(0, 0.02)
        base = knuckles + (k - 1.5) * 17.5 * across + 2.0 * out
        way = along + fan * across
        joint = base + 0.52 * length * way + rng.uniform(1, 4) * out
        tip = joint + 0.48 * length * way - rng.uniform(2, 7) * out
        shade = tint * rng.uniform(0.96, 1.04)
        sheets.append(_capsule(base, joint, 9.2, 8.6, shade))
        sheets.append(_capsule(joint, tip, 8.6, 7.2, shade))
    thumb = knuckles - 30.0 * along + side * 34.0 * across * np.sign(across[0])
    thumb_tip = thumb + 52.0 * along - side * np.array([10.0, 0.0, 0.0])
    sheets.append(_capsule(thumb, thumb_tip, 11, 8, tint))
    elbow = wrist + np.array([side * rng.uniform(20, 80), -260.0, 30.0])
    sheets.append(_capsule(elbow, wrist + 24 * along, 42, 26, tint, flat=(out, 0.75)))
    return sheets


def _bar(points: FloatArray, rotation: FloatArray, rng: np.random.Generator) -> Sheet:
    """A pole between face and camera, upright or slanting."""
    middle = turned(points[27:36].mean(axis=0), rotation)
    middle = np.array([middle[0] + rng.normal(0, 28), middle[1], max(140.0, middle[2] + 60.0)])
    tilt = np.radians(rng.normal(0, 12) + (90.0 if rng.random() < 0.25 else 0.0))
    if abs(np.sin(tilt)) > 0.7:
        middle[1] += rng.uniform(-60, 30)
    arm = 900.0 * np.array([np.sin(tilt), np.cos(tilt), 0.0])
    colour = rng.uniform(0.02, 0.5) * rng.uniform(0.7, 1.3, 3)
    radius = rng.uniform(8.0, 20.0)
    pole = _capsule(middle - arm, middle + arm, radius, radius, colour)
    return Sheet(turned(pole.grid, rotation.T), pole.colours, pole.shade, gloss=0.05)


def _microphone(points: FloatArray, rotation: FloatArray, rng: np.random.Generator) -> list[Sheet]:
    """A microphone before the chin, its handle down and to a side, and the fist that holds it."""
    mouth = turned(points[48:60].mean(axis=0), rotation)
    ahead = turned(np.array([0.0, 0.0, 1.0]), rotation)
    head = mouth + rng.uniform(34, 60) * ahead + [rng.normal(0, 8), rng.uniform(-34, -6), 10.0]
    foot = head + np.array([rng.normal(0, 45), -190.0, 60.0])
    grey = np.full(3, rng.uniform(0.01, 0.12))
    ball = _capsule(head, head + 0.04 * (head - foot), 24.0, 24.0, grey * 1.6)
    handle = _capsule(foot, head, 12.0, 17.0, grey)
    return [Sheet(turned(s.grid, rotation.T), s.colours, s.shade, 0.1) for s in (ball, handle)]


def _sheet(grid: FloatArray, colours: FloatArray, *, gloss: float = 0.0) -> Sheet:
    """A sheet without a shadow on it."""
    colours = colours if colours.ndim == 3 else colours.reshape(1, 1, 3)
    return Sheet(grid=grid, colours=colours, shade=np.ones(len(grid)), gloss=gloss)


def _capsule(
    start: FloatArray,
    end: FloatArray,
    start_radius: float,
    end_radius: float,
    colour: FloatArray,
    *,
    flat: tuple[FloatArray, float] | None = None,
) -> Sheet:
    """A rod with round ends; ``flat`` presses it along a direction by a factor."""
    axis = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    helper = np.array([0.0, 0.0, 1.0]) if flat is None else flat[0]
    if abs(float(axis @ helper)) > 0.9:
        helper = np.array([1.0, 0.0, 0.0])
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(first, axis) * (1.0 if flat is None else flat[1])
    turn = np.linspace(0, 2 * np.pi, 17)
    circle = np.outer(np.cos(turn), first) + np.outer(np.sin(turn), second)
    rings = []
    cap = np.linspace(0.02, 1.0, 5) * np.pi / 2
    for angle in cap:
        centre = start - axis * start_radius * np.cos(angle) * (1.0 if flat is None else 0.6)
        rings.append(centre + start_radius * np.sin(angle) * circle)
    for angle in cap[::-1]:
        centre = end + axis * end_radius * np.cos(angle) * (1.0 if flat is None else 0.6)
        rings.append(centre + end_radius * np.sin(angle) * circle)
    return _sheet(np.array(rings), np.asarray(colour))
