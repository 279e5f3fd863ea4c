"""Which renders estimators are validated on."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from fertools.pose.validation.plan import (
    CALIBRATION,
    EXPRESSIONS,
    FIELDS_OF_VIEW,
    LIGHTS,
    NEAREST_MM,
    PITCHES,
    YAWS,
    RenderPlan,
)

WHOLE = [render for chunk in RenderPlan(uniform=500).chunks() for render in chunk.renders]
GRID = [render for render in WHOLE if render.part == "grid"]
UNIFORM = [render for render in WHOLE if render.part == "uniform"]


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    short = RenderPlan(uniform=60, grid=2)
    mine = [render for chunk in short.chunks() for render in chunk.renders]
    assert set(mine) < set(WHOLE)
    assert len(mine) == 60 + 2 * 65


def test_names_are_unique() -> None:
    assert len({render.sample_id for render in WHOLE}) == len(WHOLE) == 24 * 65 + 500


def test_the_grid_sees_every_pose_with_all_faces_and_lamps() -> None:
    for yaw in YAWS:
        for pitch in PITCHES:
            mine = [r for r in GRID if (r.yaw_deg, r.pitch_deg, r.roll_deg) == (yaw, pitch, 0.0)]
            assert len(mine) == 24
            assert {r.expression for r in mine} == set(EXPRESSIONS)
            assert {r.light for r in mine} == set(LIGHTS)
            assert len({(r.expression, r.light) for r in mine}) == 24
            assert max(Counter(r.identity for r in mine).values()) == 2


def test_uniform_poses_fill_their_range() -> None:
    yaws = [render.yaw_deg for render in UNIFORM]
    pitches = [render.pitch_deg for render in UNIFORM]
    rolls = [render.roll_deg for render in UNIFORM]
    for values, limit in ((yaws, 90.0), (pitches, 30.0), (rolls, 15.0)):
        assert -limit <= min(values) < -0.95 * limit
        assert 0.95 * limit < max(values) <= limit
        assert abs(sum(values) / len(values)) < 0.1 * limit


def test_the_distance_follows_from_the_field_of_view() -> None:
    for render in WHOLE:
        assert FIELDS_OF_VIEW[0] <= render.fov_deg <= FIELDS_OF_VIEW[1]
        seen = 2 * math.degrees(math.atan(0.5 * render.window_mm / render.distance_mm))
        assert seen == pytest.approx(render.fov_deg)
        assert render.distance_mm >= NEAREST_MM - 1e-6
        assert 90.0 <= render.face_px <= 160.0


def test_nobody_is_both_fitted_on_and_validated() -> None:
    fitted = RenderPlan(tag=CALIBRATION, uniform=50, grid=0)
    people = {r.seed[:2] for chunk in fitted.chunks() for r in chunk.renders}
    assert people.isdisjoint({r.seed[:2] for r in WHOLE})


@pytest.mark.parametrize("wrong", [{"uniform": -1}, {"grid": 25}, {"grid": -1}])
def test_an_impossible_plan_is_an_error(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="0 to 24 chunks"):
        RenderPlan(**wrong)
