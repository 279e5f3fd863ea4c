from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fertools.errors import ConfigError
from fertools.pose.conventions import CONVENTIONS, get_convention
from fertools.pose.rules import FAILS, PASSES, UNKNOWN, PoseRule, RuleName

OURS = get_convention("fertools")
ANGLES = st.floats(-180, 180)
POSES = st.lists(st.tuples(ANGLES, st.floats(-90, 90), ANGLES), min_size=1, max_size=20)
RULES = st.sampled_from(["any", "yaw", "pitch"])


@settings(deadline=None)
@given(POSES, RULES, st.sampled_from(sorted(CONVENTIONS)))
def test_beyond_45_is_always_a_part_of_beyond_30(
    poses: list[tuple[float, float, float]], rule: RuleName, convention: str
) -> None:
    rotations = OURS.rotations(np.array(poses))
    low, high = (PoseRule(limit, None, rule, convention) for limit in (30.0, 45.0))
    beyond_30 = low.decide(low.angles(rotations)) == PASSES
    beyond_45 = high.decide(high.angles(rotations)) == PASSES
    assert not (beyond_45 & ~beyond_30).any()


@settings(deadline=None)
@given(
    st.lists(st.tuples(ANGLES, ANGLES, ANGLES), min_size=1, max_size=20),
    st.floats(0, 90),
    st.floats(0, 90),
    RULES,
)
def test_a_lower_threshold_never_loses_a_sample(
    angles: list[tuple[float, float, float]], one: float, other: float, rule: RuleName
) -> None:
    low, high = sorted((one, other))
    is_in_high = PoseRule(high, None, rule).decide(np.array(angles)) == PASSES
    is_in_low = PoseRule(low, None, rule).decide(np.array(angles)) == PASSES
    assert not (is_in_high & ~is_in_low).any()


def test_only_what_is_strictly_above_is_large() -> None:
    angles = np.array([[30.0, 0, 0], [-30.0, 30.0, 0], [30.001, 0, 0], [0, -30.001, 0]])
    assert PoseRule(30.0).decide(angles).tolist() == [FAILS, FAILS, PASSES, PASSES]


@pytest.mark.parametrize("convention", sorted(CONVENTIONS))
@pytest.mark.parametrize("limit", [15.0, 30.0, 45.0, 60.0])
def test_an_exact_threshold_is_not_above_itself_after_a_rotation(
    convention: str, limit: float
) -> None:
    poses = np.array([[limit, 0, 0], [-limit, 0, 0], [0, limit, 0], [0, -limit, 0]], np.float32)
    rule = PoseRule(limit, None, "any", convention)
    assert (rule.decide(rule.angles(OURS.rotations(poses.astype(float)))) == FAILS).all()


def test_what_is_not_a_number_neither_passes_nor_fails() -> None:
    angles = np.array([[np.nan, 80.0, 0], [80.0, np.nan, 0], [np.nan] * 3])
    for rule in ("any", "yaw", "pitch"):
        assert (PoseRule(30.0, None, rule).decide(angles) == UNKNOWN).all()  # type: ignore[arg-type]


def test_a_rule_looks_at_its_angle_only() -> None:
    angles = np.array([[40.0, 0, 0], [0, 40.0, 0], [0, 0, 90.0]])
    decided = {
        rule: PoseRule(30.0, None, rule).decide(angles).tolist()  # type: ignore[arg-type]
        for rule in ("any", "yaw", "pitch")
    }
    assert decided == {"any": [1, 1, 0], "yaw": [1, 0, 0], "pitch": [0, 1, 0]}


def test_pitch_may_have_a_threshold_of_its_own() -> None:
    angles = np.array([[25.0, 15.0, 0], [25.0, 21.0, 0], [31.0, 0, 0]])
    assert PoseRule(30.0, 20.0).decide(angles).tolist() == [0, 1, 1]
    assert PoseRule(30.0, 20.0, "pitch").decide(angles).tolist() == [0, 1, 0]


def test_the_convention_decides() -> None:
    pose = OURS.rotations(np.array([[46.0, 30.0, 0.0]]))
    ours, theirs = (PoseRule(45.0, None, "any", name) for name in ("fertools", "openface"))
    assert ours.decide(ours.angles(pose)).tolist() == [PASSES]
    assert theirs.decide(theirs.angles(pose)).tolist() == [FAILS]  # about 38.5 and 39.7


def test_the_margin_says_how_far_above() -> None:
    angles = np.array([[33.0, -40.0, 0], [-20.0, 27.5, 0], [np.nan, 0, 0]])
    margins = PoseRule(30.0).margins(angles)
    assert margins[:2].tolist() == [10.0, -2.5]
    assert math.isnan(margins[2])


@pytest.mark.parametrize("limit", [-0.1, 90.1, math.nan, math.inf])
def test_a_threshold_is_0_to_90(limit: float) -> None:
    with pytest.raises(ConfigError, match=r"--min-yaw .*expected degrees, 0 to 90"):
        PoseRule(limit)
    with pytest.raises(ConfigError, match=r"--min-pitch .*expected degrees, 0 to 90"):
        PoseRule(30.0, limit)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="not used by --rule yaw"):
        PoseRule(30.0, 20.0, "yaw")
    with pytest.raises(ConfigError, match="unknown rule 'both'"):
        PoseRule(30.0, None, "both")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown angle convention 'tait'"):
        PoseRule(30.0, None, "any", "tait")


@pytest.mark.parametrize(
    ("rule", "slug", "words"),
    [
        (PoseRule(), "30", "yaw or pitch beyond 30°"),
        (PoseRule(45.0, 45.0), "45", "yaw or pitch beyond 45°"),
        (PoseRule(30.0, 22.5), "30-pitch22.5", "yaw beyond 30° or pitch beyond 22.5°"),
        (PoseRule(30.0, None, "yaw"), "30-yaw", "yaw beyond 30°"),
        (PoseRule(30.0, 20.0, "pitch"), "20-pitch", "pitch beyond 20°"),
        (PoseRule(30.0, None, "any", "fertools"), "30-fertools", "yaw or pitch beyond 30°"),
    ],
)
def test_a_rule_has_a_short_name_and_words(rule: PoseRule, slug: str, words: str) -> None:
    assert (rule.slug, rule.words) == (slug, words)
