"""Who a stand-in is: the shape of the head and the colours, drawn from one seed.

Sex, age and ancestry are drawing parameters of a parametric head: they widen the range of shapes
and colours and support no claim about groups of people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.synth.head import HeadData

FloatArray = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

ETHNIC_CODES = ("WH", "AE", "BL", "LA", "IN", "AM")
_CODE_WEIGHTS = (0.51, 0.24, 0.09, 0.08, 0.06, 0.02)  # as often as in the real set
_MACRO = "mpfb2/targets/macrodetails"
_ANCESTRIES = ("caucasian", "asian", "african")
_OPPOSITES = (
    ("-decr", "-incr"),
    ("-down", "-up"),
    ("-in", "-out"),
    ("-backward", "-forward"),
    ("-concave", "-convex"),
    ("-compress", "-uncompress"),
)
_REGIONS = ("head", "forehead", "eyebrows", "eyes", "nose", "mouth", "chin", "cheek", "ears")
_OUTLINES = ("oval", "round", "rectangular", "square", "triangular", "diamond")
_LEFT_OUT = ("head-trans", "head-angle", "head-age", "mouth-angles", "ear-flap", "ear-wing")
_CALM = (
    "mouth-trans",
    "nose-trans",
    "eye-trans",
    "head-scale",
    "eye-corner",
    "eye-eyefold",
    "eyebrows",
)
_SPREAD = 0.15  # standard deviation of a local shape weight; at 0.3 heads look like caricatures


@dataclass(frozen=True)
class Person:
    """One stand-in subject.

    Attributes:
        code: Group code of the file names, drawn independently of the looks.
        male: From 0 (female) to 1 (male).
        age: From 0 (young) to 1 (old).
        ancestry: Weights that sum to 1.
        weight: From -1 (slim) to 1 (heavy).
        local: Weights of local shape targets by name.
        skin: Linear RGB of the skin.
        hair: Linear RGB of hair and brows.
        iris: Linear RGB of the iris.
        lips: Linear RGB of the lips.
        brow_thickness: Factor about 1.
        beard: From 0 to 1; strength of the beard's shadow.
        hairline: Millimetres that the hairline is moved up.
    """

    code: str
    male: float
    age: float
    ancestry: dict[str, float]
    weight: float
    local: dict[str, float]
    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    brow_thickness: float
    beard: float
    hairline: float


def draw_person(head: HeadData, seed: list[int], *, male: bool) -> Person:
    """Draw a subject.

    Args:
        head: Names the shape targets there are.
        seed: Seed of the set and number of the subject.
        male: Which of the two sexes the subject's name says.
    """
    rng = np.random.default_rng([*seed, 1])
    ancestry = rng.dirichlet([0.55, 0.55, 0.55])
    maleness = float(np.clip(rng.normal(0.93 if male else 0.07, 0.06), 0, 1))
    age = float(rng.beta(1.3, 3.0))
    local = _draw_local(head, np.random.default_rng([*seed, 3]))
    skin, hair, iris, lips = _draw_colours(rng, ancestry, maleness, age)
    return Person(
        code=draw_code(seed),
        male=maleness,
        age=age,
        ancestry=dict(zip(_ANCESTRIES, map(float, ancestry), strict=True)),
        weight=float(np.clip(rng.normal(0, 0.35), -0.7, 0.7)),
        local=local,
        skin=skin,
        hair=hair,
        iris=iris,
        lips=lips,
        brow_thickness=float(np.exp(rng.normal(0.12 if male else -0.12, 0.14))),
        beard=float(rng.uniform(0.05, 0.45)) if male else 0.0,
        hairline=float(rng.normal(4.0 if male else 0.0, 4.0)),
    )


def draw_code(seed: list[int]) -> str:
    """Draw the group code of the file names from its own stream, apart from the looks."""
    return str(np.random.default_rng([*seed, 2]).choice(ETHNIC_CODES, p=_CODE_WEIGHTS))


def neutral_head(head: HeadData, person: Person) -> FloatArray:
    """Base mesh points ``(V, 3)``, decimetres, of the person at rest."""
    vertices = _macro(head, person.male, person.age, person.ancestry, person.weight)
    for name, weight in person.local.items():
        head.add(vertices, name, weight)
    return vertices


def average_adult(head: HeadData) -> FloatArray:
    """Base mesh points of the mean of both sexes and all ancestries."""
    return _macro(head, 0.5, 0.15, dict.fromkeys(_ANCESTRIES, 1 / 3), 0.0)


def _macro(
    head: HeadData, male: float, age: float, ancestry: Mapping[str, float], weight: float
) -> FloatArray:
    """Blend the source's whole-body shapes of sex, age, ancestry and weight."""
    vertices = head.vertices.copy()
    heavy = "maxweight" if weight > 0 else "minweight"
    for sex, share in (("female", 1 - male), ("male", male)):
        for years, part in (("young", 1 - age), ("old", age)):
            for name, much in ancestry.items():
                head.add(vertices, f"{_MACRO}/{name}-{sex}-{years}.target.gz", share * part * much)
            stem = f"{_MACRO}/universal-{sex}-{years}-averagemuscle"
            head.add(vertices, f"{stem}-averageweight.target.gz", share * part * (1 - abs(weight)))
            head.add(vertices, f"{stem}-{heavy}.target.gz", share * part * abs(weight))
    return vertices


def _draw_local(head: HeadData, rng: np.random.Generator) -> dict[str, float]:
    """One normal draw for each pair of opposite targets, mostly alike on both sides."""
    weights: dict[str, float] = {}
    shared: dict[str, float] = {}
    for region in _REGIONS:
        names = head.names(region)
        known = set(names)
        for name in names:
            stem = name.removesuffix(".target.gz")
            low, high = next((pair for pair in _OPPOSITES if stem.endswith(pair[0])), ("", ""))
            if any(word in stem for word in _LEFT_OUT):
                continue
            if low and (other := f"{stem.removesuffix(low)}{high}.target.gz") in known:
                key = re.sub(r"/[lr]-", "/", stem)
                spread = _SPREAD * (0.5 if any(word in stem for word in _CALM) else 1.0)
                value = shared.setdefault(key, float(np.clip(rng.normal(0, spread), -0.4, 0.4)))
                value += float(rng.normal(0, 0.02))
                weights[other if value > 0 else name] = abs(value)
            elif region == "head" and stem.rsplit("-", 1)[1] in _OUTLINES:
                weights[name] = float(max(0.0, rng.normal(0, 0.2)))
    return weights


def _draw_colours(
    rng: np.random.Generator, ancestry: FloatArray, male: float, age: float
) -> tuple[Colour, Colour, Colour, Colour]:
    """Skin, hair, iris and lips in linear RGB; ancestry only leans the draw."""
    light = np.array([0.66, 0.40, 0.29])
    olive = np.array([0.52, 0.31, 0.19])
    dark = np.array([0.13, 0.066, 0.040])
    lean = np.array([[0.12, 0.35, 0.95]]) @ ancestry
    depth = float(np.clip(lean[0] + rng.normal(0, 0.10), 0, 1))
    skin = _mix(light, olive, depth * 2) if depth < 0.5 else _mix(olive, dark, depth * 2 - 1)
    skin = skin * np.exp(rng.normal(0, 0.05)) * np.exp(rng.normal(0, 0.025, 3))
    palette = np.array(
        [[0.012, 0.009, 0.008], [0.035, 0.018, 0.010], [0.10, 0.052, 0.024], [0.22, 0.12, 0.05]]
    )
    blondness = max(0.0, float(ancestry[0]) - 0.35)
    odds = np.array([1.0, 0.9, 1.5 * blondness, 1.0 * blondness])
    hair = palette[rng.choice(4, p=odds / odds.sum())] * np.exp(rng.normal(0, 0.15))
    grey = float(np.clip((age - 0.45) * 1.6 + rng.normal(0, 0.1), 0, 0.75))
    hair = _mix(hair, np.array([0.30, 0.29, 0.28]), grey)
    eyes = np.array(
        [[0.045, 0.022, 0.012], [0.11, 0.06, 0.025], [0.12, 0.15, 0.09], [0.12, 0.20, 0.29]]
    )
    odds = np.array([1.2, 0.8, 1.2 * blondness, 1.8 * blondness])
    iris = eyes[rng.choice(4, p=odds / odds.sum())] * np.exp(rng.normal(0, 0.12))
    tint = np.array([0.92, 0.52, 0.53]) if male < 0.5 else np.array([0.88, 0.62, 0.60])
    lips = skin * tint * np.exp(rng.normal(0, 0.06, 3))
    return _colour(skin), _colour(hair), _colour(iris), _colour(lips)


def _mix(first: FloatArray, second: FloatArray, share: float) -> FloatArray:
    """``first`` at share 0, ``second`` at 1."""
    return np.asarray(first * (1 - share) + second * share)


def _colour(values: FloatArray) -> Colour:
    """Three floats in [0, 1]."""
    red, green, blue = np.clip(values, 0.004, 0.9)
    return float(red), float(green), float(blue)
