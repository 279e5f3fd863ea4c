"""How photographs in the wild are taken: what is drawn, and from which distributions.

Distributions (:func:`draw_conditions`):

====================  ==============================================================================
yaw                   half the time normal with sd 15 degrees, else sd 45; drawn anew beyond ±85
pitch                 70 %: sd 10, else sd 24; drawn anew beyond ±45, or 30 once yaw passes 60
roll                  80 %: sd 8, else sd 18; drawn anew beyond ±45
light                 one lamp, yaw uniform in ±75, pitch in -5..60, with 25 to 85 % of all light,
                      soft or (15 %) hard; a fill from the other side; the room all around
hidden                26 % of the faces: sunglasses, scarf, hand, pole or microphone
distance              450 to 2500 mm, log-uniform
face                  55 to 250 pixels from ear to ear, log-uniform; a third amid much background
picture               blur, grain, JPEG quality 35 to 95, exposure, contrast, tint; 6 % grey
====================  ==============================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fertools.synth.backgrounds import BACKGROUNDS

__all__ = ["Conditions", "beside", "draw_conditions"]

_COVERED = {
    "none": 0.74,
    "sunglasses": 0.07,
    "scarf": 0.05,
    "hand": 0.08,
    "bar": 0.03,
    "microphone": 0.03,
}
_LONGEST_PX = 640


@dataclass(frozen=True)
class Conditions:
    """How a photograph is taken.

    Attributes:
        yaw_deg: Of the head, relative to the optical axis, which goes through the head's centre.
        pitch_deg: Likewise.
        roll_deg: Likewise.
        light_yaw_deg: Where the lamp stands, in camera coordinates: 0 behind the viewer, positive
            to the picture's right.
        light_pitch_deg: Positive above.
        light_share: How much of all light is the lamp's, from 0 to 1.
        light_hard: Whether the lamp is a point, which throws sharp shadows.
        exposure: Factor on all light.
        occlusion: What hides a part of the face, or ``none``.
        background: Its kind.
        bystander: Whether a smaller face is in the picture.
        distance_mm: From camera to head.
        face_px: Width of the face, about.
        width: Of the picture, pixels.
        height: Of the picture.
        face_x: Where the head's centre lies, pixels.
        face_y: Likewise.
        blur_px: Standard deviation of the blur, pixels.
        noise: Standard deviation of the grain, of 255.
        jpeg_quality: 35 to 95.
        grey: Whether the picture has no colour.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    light_yaw_deg: float
    light_pitch_deg: float
    light_share: float
    light_hard: bool
    exposure: float
    occlusion: str
    background: str
    bystander: bool
    distance_mm: float
    face_px: float
    width: int
    height: int
    face_x: float
    face_y: float
    blur_px: float
    noise: float
    jpeg_quality: int
    grey: bool


def draw_conditions(seed: list[int]) -> Conditions:
    """Draw how one photograph is taken; the distributions are in the module's text."""
    rng = np.random.default_rng([*seed, 21])
    yaw = _within(rng, 15.0 if rng.random() < 0.5 else 45.0, 85.0)
    pitch = _within(rng, 10.0 if rng.random() < 0.7 else 24.0, 45.0 if abs(yaw) < 60 else 30.0)
    roll = _within(rng, 8.0 if rng.random() < 0.8 else 18.0, 45.0)
    face = float(np.exp(rng.uniform(np.log(55.0), np.log(250.0))))
    roomy = rng.random() < 0.35
    reach = (2.4, 4.5) if roomy else (1.55, 2.2)
    wide, high = (rng.uniform(*reach) * face for _ in range(2))
    shrink = min(1.0, _LONGEST_PX / max(wide, 1.15 * high))
    face *= shrink
    width, height = max(80, round(wide * shrink)), max(96, round(1.15 * high * shrink))
    return Conditions(
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        light_yaw_deg=float(rng.uniform(-75, 75)),
        light_pitch_deg=float(rng.uniform(-5, 60)),
        light_share=float(rng.uniform(0.25, 0.85)),
        light_hard=bool(rng.random() < 0.15),
        exposure=float(np.exp(rng.normal(0.0, 0.22))),
        occlusion=str(rng.choice(list(_COVERED), p=list(_COVERED.values()))),
        background=str(rng.choice(BACKGROUNDS, p=[0.24, 0.18, 0.26, 0.16, 0.16])),
        bystander=bool(roomy and rng.random() < 0.4),
        distance_mm=float(np.exp(rng.uniform(np.log(450.0), np.log(2500.0)))),
        face_px=face,
        width=width,
        height=height,
        face_x=_between(rng, 0.78 * face, width - 0.78 * face),
        face_y=_between(rng, 0.95 * face, height - 0.85 * face),
        blur_px=float(face / 200.0 * np.exp(rng.normal(-0.9, 0.8))),
        noise=float(np.exp(rng.normal(0.5, 0.65))),
        jpeg_quality=int(rng.integers(35, 96)),
        grey=bool(rng.random() < 0.06),
    )


def beside(conditions: Conditions, rng: np.random.Generator) -> Conditions:
    """A smaller face at the side of the main one."""
    c = conditions
    face = c.face_px * float(rng.uniform(0.35, 0.6))
    right = c.face_x < 0.5 * c.width
    away = float(rng.uniform(0.15, 0.9))
    x = c.width - away * 0.8 * face if right else away * 0.8 * face
    return replace(
        c,
        yaw_deg=_within(rng, 35.0, 70.0),
        pitch_deg=_within(rng, 8.0, 20.0),
        roll_deg=_within(rng, 8.0, 20.0),
        occlusion="none",
        distance_mm=c.distance_mm * c.face_px / face,
        face_px=face,
        face_x=x,
        face_y=float(np.clip(c.face_y + rng.normal(0, 0.3) * face, face, c.height - 0.5 * face)),
    )


def _within(rng: np.random.Generator, spread: float, limit: float) -> float:
    """A normal draw that lies within ± ``limit``."""
    while abs(value := float(rng.normal(0.0, spread))) > limit:
        pass
    return value


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform between two bounds, or their middle where they cross."""
    return float(rng.uniform(low, high)) if low < high else 0.5 * (low + high)
