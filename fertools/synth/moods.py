"""Expressions of the sets in the wild: the seven, contempt, and what is none of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from fertools.synth.expressions import EMOTION_CODES, LEVELS, Pose, draw_pose
from fertools.synth.head import MM
from fertools.synth.sitting import Shot, Sitter, Studio

__all__ = ["OTHER_MOODS", "draw_feelings", "express"]

_Key = TypeVar("_Key", str, int)

OTHER_MOODS = ("contempt", "none", "uncertain")
"""What :func:`express` knows beside the emotions of the recipes."""

# Faces that are none of the eight: tired, pouting, puffing, cheeky, yawning.
_NONE: tuple[dict[str, float], ...] = (
    {"eyeBlinkLeft": 0.95, "eyeBlinkRight": 0.95},
    {"mouthPucker": 0.9},
    {"cheekPuff": 1.0, "mouthPressLeft": 0.4, "mouthPressRight": 0.4},
    {"tongueOut": 0.9, "jawOpen": 0.3, "mouthSmileLeft": 0.4, "mouthSmileRight": 0.4},
    {"jawOpen": 0.8, "eyeBlinkLeft": 0.8, "eyeBlinkRight": 0.8},
    {"mouthLeft": 0.7, "eyeBlinkLeft": 0.9},
)

# Valence and arousal at full strength, about where Russell's circumplex has them.
_FEELINGS: dict[str, tuple[float, float]] = {
    "neutral": (0.0, 0.0),
    "happiness": (0.78, 0.35),
    "sadness": (-0.72, -0.30),
    "surprise": (0.20, 0.78),
    "fear": (-0.25, 0.80),
    "disgust": (-0.72, 0.45),
    "anger": (-0.55, 0.68),
    "contempt": (-0.55, 0.40),
}


def express(studio: Studio, sitter: Sitter, name: str, intensity: int, *, seed: list[int]) -> Shot:
    """Let a sitter show something, differently for every seed.

    Args:
        studio: Its head knows the face units.
        sitter: The person.
        name: A canonical expression of the seven, or one of :data:`OTHER_MOODS`.
        intensity: 1 to 4; 0 for neutral, not used for ``none``.
        seed: Of the picture.

    Raises:
        ValueError: If the name is unknown.
    """
    if name in EMOTION_CODES:
        pose = draw_pose(sitter.habits, seed, emotion=name, intensity=intensity)
    elif name in OTHER_MOODS:
        pose = _other(sitter, name, intensity, seed)
    else:
        raise ValueError(f"unknown expression {name!r}")
    base = sitter.neutral / MM
    for unit, weight in pose.units.items():
        studio.topology.head.add_unit(base, unit, weight)
    return Shot(seed=tuple(seed), pose=pose, base=base * MM)


def draw_feelings(name: str, intensity: int, *, seed: list[int]) -> tuple[float, float]:
    """Valence and arousal in [-1, 1] that annotators might give.

    Args:
        name: An expression; one that is none of the eight gets weak values of either sign.
        intensity: 0 to 4.
        seed: Of the picture.
    """
    rng = np.random.default_rng([*seed, 24])
    share = LEVELS[intensity] if name in _FEELINGS else 0.0
    spread = 0.10 if name in _FEELINGS else 0.25
    pair = np.array(_FEELINGS.get(name, (0.0, 0.0))) * share + rng.normal(0, spread, 2)
    length = float(np.hypot(*pair))
    valence, arousal = pair / max(1.0, length)
    return round(float(valence), 6), round(float(arousal), 6)


def _other(sitter: Sitter, name: str, intensity: int, seed: list[int]) -> Pose:
    """A pose without a recipe, on top of how the person looks at rest."""
    rng = np.random.default_rng([*seed, 23])
    rest = draw_pose(sitter.habits, seed, emotion="neutral", intensity=0)
    if name == "none":
        chosen = _NONE[rng.integers(len(_NONE))]
        return replace(rest, units=_added(rest.units, chosen, float(rng.uniform(0.8, 1.05))))
    if name == "uncertain":  # a little of two
        first, second = rng.choice(sorted(set(EMOTION_CODES) - {"neutral"}), 2, replace=False)
        poses = [
            draw_pose(sitter.habits, [*seed, k], emotion=str(emotion), intensity=int(level))
            for k, (emotion, level) in enumerate(
                zip((first, second), rng.integers(1, 3, 2), strict=True)
            )
        ]
        units = _added(poses[0].units, poses[1].units, 0.7)
        actions = _added(poses[0].action_units, poses[1].action_units, 0.7)
        return Pose(units=units, action_units=actions)
    level = LEVELS[intensity] * sitter.habits.expressiveness["disgust"]
    side, other = ("Left", "Right") if rng.random() < 0.5 else ("Right", "Left")
    sneer = {
        f"mouthDimple{side}": 1.25,
        f"mouthSmile{side}": float(rng.uniform(0.25, 0.5)),
        f"mouthUpperUp{side}": float(rng.uniform(0.0, 0.35)),
        f"cheekSquint{side}": 0.35,
        f"mouthPress{other}": 0.25,
        f"browOuterUp{other}": float(rng.uniform(0.0, 0.5)),
        "eyeBlinkLeft": 0.12,
        "eyeBlinkRight": 0.12,
    }
    sneer["mouthLeft" if side == "Left" else "mouthRight"] = 0.18
    return Pose(units=_added(rest.units, sneer, level), action_units={14: 0.55 * level})


def _added(first: dict[_Key, float], second: dict[_Key, float], factor: float) -> dict[_Key, float]:
    """Sum of two poses, the second times a factor."""
    result = dict(first)
    for key in second:
        result[key] = min(1.3, result.get(key, 0.0) + factor * second[key])
    return result
