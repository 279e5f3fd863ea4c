"""How a stand-in shows an emotion: action units, recipes of them, and the habits of a person.

An emotion is no constant offset here. Each has several recipes of FACS action units, as the
literature lists them (Ekman and Friesen's EMFACS and the prototype and variant tables after it;
Du et al., PNAS 111(15), 2014). A person prefers one recipe, leaves units out or adds some, is more
or less expressive and a little lopsided; every scan differs once more. Where the eyes look, how
far they are closed and small movements of the jaw are drawn without regard to the emotion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fertools.expressions import BU3DFE_CODES

LEVELS = {0: 0.0, 1: 0.24, 2: 0.47, 3: 0.76, 4: 1.03}
EMOTION_CODES = {name: code for code, name in BU3DFE_CODES.items()}

# Action unit -> face units and how far they go at full strength; * stands for both sides.
_ACTION_UNITS: dict[int, dict[str, float]] = {
    1: {"browInnerUp": 1.3, "browOuterUp*": 0.1},
    2: {"browOuterUp*": 1.15},
    4: {"browDown*": 0.95, "noseSneer*": 0.25},
    5: {"eyeWide*": 1.25},
    6: {"cheekSquint*": 0.85, "eyeSquint*": 0.25},
    7: {"eyeSquint*": 0.9, "eyeBlink*": 0.06},
    9: {"noseSneer*": 1.45, "browDown*": 0.25, "cheekSquint*": 0.25},
    10: {"mouthUpperUp*": 1.25},
    11: {"mouthUpperUp*": 0.5, "cheekSquint*": 0.25},
    12: {"mouthSmile*": 0.90},
    14: {"mouthDimple*": 1.0},
    15: {"mouthFrown*": 1.3},
    16: {"mouthLowerDown*": 1.3},
    17: {"mouthShrugLower": 1.25, "mouthShrugUpper": 0.3},
    20: {"mouthStretch*": 1.2},
    22: {"mouthFunnel": 1.0},
    23: {"mouthPress*": 0.55, "mouthRollUpper": 0.45, "mouthRollLower": 0.55},
    24: {"mouthPress*": 0.85, "mouthRollUpper": 0.35, "mouthRollLower": 0.4},
    25: {"mouthUpperUp*": 0.25, "mouthLowerDown*": 0.45, "jawOpen": 0.06},
    26: {"jawOpen": 0.42},
    27: {"jawOpen": 0.85, "mouthFunnel": 0.12},
    29: {"jawForward": 0.7},
}

# Emotion -> recipes; a unit with a negative strength is optional and used as its absolute value.
_RECIPES: dict[str, tuple[dict[int, float], ...]] = {
    "anger": (
        {4: 1.15, 7: 0.7, 24: 0.9, 17: -0.25, 5: -0.4},
        {4: 1.25, 5: 0.55, 7: 0.5, 23: 1.0, 29: -0.5},
        {4: 1.15, 7: 0.6, 10: 0.4, 16: 0.75, 22: 0.4, 26: 0.35, 9: -0.25},
        {4: 1.2, 7: 0.8, 23: 0.8, 15: 0.3, 17: -0.3, 29: -0.4},
    ),
    "disgust": (
        {9: 1.0, 10: 0.8, 17: 0.5, 4: -0.3, 7: -0.5},
        {9: 1.05, 10: 0.65, 16: 0.35, 25: 0.35, 7: -0.4},
        {9: 0.85, 10: 1.0, 15: 0.5, 17: -0.6, 6: -0.4},
        {9: 0.95, 10: 0.9, 26: 0.22, 6: -0.4, 7: -0.5},
    ),
    "fear": (
        {1: 1.0, 2: 0.45, 4: 0.45, 5: 1.0, 20: 1.0, 25: 0.8},
        {1: 1.0, 2: -0.5, 4: 0.5, 5: 1.0, 20: 0.9, 26: 0.55, 16: -0.4},
        {1: 1.0, 4: 0.6, 5: 0.9, 20: 1.0, 16: 0.7, 7: -0.4},
        {1: 0.9, 2: 0.5, 5: 1.1, 20: 0.8, 26: 0.6, 15: -0.3},
    ),
    "happiness": (
        {6: 0.9, 12: 1.0, 25: 0.7},
        {12: 1.05, 25: 0.9, 6: -0.6, 10: -0.2},
        {6: 0.8, 12: 1.0, 14: -0.3},
        {6: 1.0, 12: 0.95, 25: 0.6, 26: 0.5},
    ),
    "sadness": (
        {1: 1.0, 4: 0.4, 15: 1.0, 17: 0.5},
        {1: 0.9, 15: 1.1, 17: -0.4, 7: -0.3},
        {1: 1.0, 4: 0.5, 11: 0.5, 15: 0.7, 17: 0.8},
        {1: 0.9, 4: -0.4, 15: 0.9, 25: 0.4, 20: -0.25},
    ),
    "surprise": (
        {1: 1.0, 2: 1.0, 5: 0.9, 26: 1.0},
        {1: 1.0, 2: 1.0, 5: 0.7, 27: 0.9},
        {1: 1.0, 2: 1.0, 27: 0.7, 5: 0.5, 22: -0.3},
        {1: 0.8, 2: 0.9, 5: 1.1, 26: 1.1},
    ),
    "neutral": ({},),
}

# What only some sets have. Each has a random stream of its own, by its number, so that a further
# one changes nobody's other habits. How Multi-PIE's squint and scream look: Gross et al. 2010.
_OTHER_UNITS: dict[int, dict[str, float]] = {
    43: {"eyeBlink*": 0.75, "eyeSquint*": 0.3},
    44: {"eyeSquint*": 0.95, "eyeBlink*": 0.14},
}
_OTHER_RECIPES: dict[str, tuple[int, tuple[dict[int, float], ...]]] = {
    "squint": (
        1,
        (
            {44: 1.0, 4: 0.5, 6: 0.6, 9: -0.25, 10: -0.2},
            {44: 1.05, 6: 0.9, 12: 0.2, 4: -0.35},
            {44: 1.0, 4: 0.75, 9: 0.45, 10: 0.3, 25: -0.3},
        ),
    ),
    "scream": (
        2,
        (
            {27: 1.05, 4: 0.7, 43: 0.95, 10: 0.55, 16: 0.6, 20: 0.35, 6: 0.5},
            {27: 1.1, 43: 1.1, 9: 0.6, 10: 0.6, 16: 0.5, 6: 0.7},
            {27: 1.1, 16: 0.5, 20: 0.5, 4: 0.4, 44: 0.7, 10: -0.4},
        ),
    ),
}

_ALL_UNITS = _ACTION_UNITS | _OTHER_UNITS
OTHER_EXPRESSIONS = tuple(_OTHER_RECIPES)
"""Expressions that BU-3DFE does not have."""

# Without these nobody would name the emotion, so no person's habits leave them out.
_CORE: dict[str, frozenset[int]] = {
    "anger": frozenset({4, 7, 24}),
    "disgust": frozenset({9, 10}),
    "fear": frozenset({1, 5, 20}),
    "happiness": frozenset({12}),
    "sadness": frozenset({1, 15}),
    "surprise": frozenset({1, 2, 26, 27}),
    "neutral": frozenset(),
    "squint": frozenset({44}),
    "scream": frozenset({27, 43, 44}),
}


@dataclass(frozen=True)
class Habits:
    """How one person shows emotions.

    Attributes:
        expressiveness: Emotion -> factor on every strength.
        recipes: Emotion -> the odds of each recipe.
        strengths: Emotion -> action unit -> factor; 0 leaves the unit out.
        lopsided: Action unit -> share of strength moved from the right to the left side.
        resting: Face unit -> weight that the face always carries.
        restless: Factor on the movements that have nothing to do with emotion.
    """

    expressiveness: dict[str, float]
    recipes: dict[str, tuple[float, ...]]
    strengths: dict[str, dict[int, float]]
    lopsided: dict[int, float]
    resting: dict[str, float]
    restless: float


@dataclass(frozen=True)
class Pose:
    """One scan's expression.

    Attributes:
        units: Face unit -> weight.
        action_units: Action unit -> strength, which drives the wrinkles.
    """

    units: dict[str, float]
    action_units: dict[int, float]


def draw_habits(seed: list[int]) -> Habits:
    """Draw how a person shows emotions."""
    rng = np.random.default_rng([*seed, 4])
    general = float(np.clip(rng.normal(1.0, 0.10), 0.82, 1.15))
    expressiveness: dict[str, float] = {}
    recipes: dict[str, tuple[float, ...]] = {}
    strengths: dict[str, dict[int, float]] = {}
    for emotion, variants in _RECIPES.items():
        expressiveness[emotion] = general * float(np.clip(rng.normal(1.0, 0.07), 0.85, 1.15))
        recipes[emotion] = _draw_odds(rng, len(variants))
        strengths[emotion] = _draw_strengths(rng, _ACTION_UNITS, _CORE[emotion])
    resting = {
        "mouthSmile*": float(np.clip(rng.normal(0, 0.07), 0, 0.14)),
        "mouthFrown*": float(np.clip(rng.normal(0, 0.14), 0, 0.3)),
        "browDown*": float(np.clip(rng.normal(0, 0.20), 0, 0.4)),
        "browInnerUp": float(np.clip(rng.normal(0, 0.16), 0, 0.3)),
        "eyeSquint*": float(np.clip(rng.normal(0.05, 0.12), 0, 0.3)),
        "mouthPress*": float(np.clip(rng.normal(0, 0.10), 0, 0.25)),
        "eyeBlink*": float(np.clip(rng.normal(0.04, 0.05), 0, 0.14)),
    }
    lopsided = {unit: float(rng.normal(0, 0.07)) for unit in _ACTION_UNITS}
    restless = float(np.exp(rng.normal(0, 0.2)))
    for emotion, (stream, variants) in _OTHER_RECIPES.items():
        own = np.random.default_rng([*seed, 4, stream])
        expressiveness[emotion] = general * float(np.clip(own.normal(1.0, 0.07), 0.85, 1.15))
        recipes[emotion] = _draw_odds(own, len(variants))
        strengths[emotion] = _draw_strengths(own, _ALL_UNITS, _CORE[emotion])
    own = np.random.default_rng([*seed, 4, 99])
    lopsided |= {unit: float(own.normal(0, 0.07)) for unit in _OTHER_UNITS}
    return Habits(
        expressiveness=expressiveness,
        recipes=recipes,
        strengths=strengths,
        lopsided=lopsided,
        resting=resting,
        restless=restless,
    )


def _draw_odds(rng: np.random.Generator, count: int) -> tuple[float, ...]:
    """How often a person takes each of some recipes: one of them most of the time."""
    odds = np.full(count, 0.35 / count)
    odds[rng.integers(count)] += 0.65
    return tuple(map(float, odds))


def _draw_strengths(
    rng: np.random.Generator, units: Iterable[int], core: frozenset[int]
) -> dict[int, float]:
    """A person's factor on each action unit; some of those that are no core are weak."""
    strengths = {}
    for unit in units:
        factor = float(np.exp(rng.normal(0, 0.10 if unit in core else 0.22)))
        weak = rng.random() < 0.10 and unit not in core
        strengths[unit] = 0.3 * factor if weak else factor
    return strengths


def draw_pose(habits: Habits, seed: list[int], *, emotion: str, intensity: int) -> Pose:
    """Draw one scan's expression.

    Args:
        habits: The person's.
        seed: Seed of this scan.
        emotion: A key of ``EMOTION_CODES``, or one of :data:`OTHER_EXPRESSIONS`.
        intensity: 1 to 4; 0 for neutral.
    """
    rng = np.random.default_rng([*seed, 5])
    level = LEVELS[intensity] * habits.expressiveness[emotion] * float(np.exp(rng.normal(0, 0.05)))
    variants = _RECIPES[emotion] if emotion in _RECIPES else _OTHER_RECIPES[emotion][1]
    recipe = variants[rng.choice(len(variants), p=habits.recipes[emotion])]
    action_units: dict[int, float] = {}
    for unit, strength in recipe.items():
        used = strength > 0 or rng.random() < 0.5
        jitter = float(np.exp(rng.normal(0, 0.13)))
        if used:
            action_units[unit] = abs(strength) * level * jitter * habits.strengths[emotion][unit]
    units: dict[str, float] = {}
    for unit, strength in action_units.items():
        tilt = habits.lopsided[unit] + float(rng.normal(0, 0.04))
        _activate(units, _ALL_UNITS[unit], strength, tilt)
    _activate(units, habits.resting, 1.0, 0.0)
    _fidget(units, rng, habits.restless)
    return Pose(units=_limit(units), action_units=action_units)


def _activate(
    units: dict[str, float], parts: dict[str, float], strength: float, tilt: float
) -> None:
    """Add face units at a strength; ``tilt`` moves some of it to the left side."""
    for name, weight in parts.items():
        if name.endswith("*"):
            for side, sign in (("Left", 1.0), ("Right", -1.0)):
                key = name[:-1] + side
                units[key] = units.get(key, 0.0) + weight * strength * (1 + sign * tilt)
        else:
            units[name] = units.get(name, 0.0) + weight * strength


def _fidget(units: dict[str, float], rng: np.random.Generator, restless: float) -> None:
    """Gaze, lids, jaw and small asymmetries, drawn alike for every emotion."""
    across, up = rng.normal(0, [0.22, 0.16])
    for side, sign in (("Left", 1.0), ("Right", -1.0)):  # the left eye's outer side is +x
        sideways = "Out" if across * sign > 0 else "In"
        _add(units, f"eyeLook{sideways}{side}", abs(across))
        _add(units, f"eyeLook{'Up' if up > 0 else 'Down'}{side}", abs(up))
    lids = float(np.clip(rng.normal(0.0, 0.07), -0.08, 0.2))
    for side in ("Left", "Right"):
        _add(units, f"eyeBlink{side}" if lids > 0 else f"eyeWide{side}", abs(lids))
    slide = float(rng.normal(0, 0.06)) * restless
    _add(units, "mouthLeft" if slide > 0 else "mouthRight", abs(slide))
    slide = float(rng.normal(0, 0.05)) * restless
    _add(units, "jawLeft" if slide > 0 else "jawRight", abs(slide))
    _add(units, "jawOpen", max(0.0, float(rng.normal(0, 0.018))) * restless)
    for name in (
        "browDown",
        "browOuterUp",
        "mouthPress",
        "cheekSquint",
        "mouthFrown",
        "mouthDimple",
    ):
        for side in ("Left", "Right"):
            _add(units, name + side, max(0.0, float(rng.normal(0, 0.05))) * restless)


def _add(units: dict[str, float], name: str, weight: float) -> None:
    """Add to one face unit."""
    units[name] = units.get(name, 0.0) + weight


def _limit(units: dict[str, float]) -> dict[str, float]:
    """Keep every unit where the shapes still look like a face; drop what is too small to see."""
    limits = {"jawOpen": 0.95, "mouthRollUpper": 0.7, "mouthRollLower": 0.8, "mouthFunnel": 0.8}
    for side in ("Left", "Right"):
        limits |= {f"browDown{side}": 1.25, f"eyeSquint{side}": 0.95, f"mouthFrown{side}": 1.3}
    kept = {}
    for name in sorted(units):
        highest = limits.get(name, 1.1 if "mouthSmile" in name else 1.6)
        weight = min(units[name], highest)
        if weight > 1e-4:
            kept[name] = weight
    return kept
