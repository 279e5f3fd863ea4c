from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from analytic_scenes import turn
from pydantic import ValidationError

from fertools.errors import ConfigError
from fertools.render.views import P1, P2, Grid, RandomViews, Turning, View, ViewSet, load_views

FILE_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*(_[A-Za-z0-9+.-]+)*")
WIDE = RandomViews(count=300, seed=3, pan=(-60, 60), tilt=(-30, 10), roll=(-5, 5))


class TestPublishedSets:
    def test_p1_has_five_yaws_at_all_four_levels(self) -> None:
        assert [v.pan_deg for v in P1.views("any")] == [0, 30, 45, 60, 90]
        assert {(v.tilt_deg, v.roll_deg) for v in P1.views("any")} == {(0, 0)}
        assert P1.intensities == (1, 2, 3, 4)

    def test_p2_has_seven_pans_by_five_tilts_at_the_strongest_level(self) -> None:
        angles = [(v.pan_deg, v.tilt_deg) for v in P2.views("any")]
        pans, tilts = (-45, -30, -15, 0, 15, 30, 45), (-30, -15, 0, 15, 30)
        assert angles == [(pan, tilt) for pan in pans for tilt in tilts]
        assert P2.intensities == (4,)

    def test_100_subjects_make_12000_and_21000_pictures(self) -> None:
        assert (P1.num_views, P1.expected_samples) == (5, 12_000)
        assert (P2.num_views, P2.expected_samples) == (35, 21_000)

    def test_their_views_have_the_names_that_manifests_hold(self) -> None:
        assert [v.view_id for v in P1.views("")] == ["yaw00", "yaw30", "yaw45", "yaw60", "yaw90"]
        assert [v.view_id for v in P2.views("")][:2] == ["pan-45_tilt-30", "pan-45_tilt-15"]
        assert P2.views("")[17].view_id == "pan+00_tilt+00"


class TestNames:
    @pytest.mark.parametrize(
        "grid",
        [
            Grid(pan=tuple(range(-180, 181))),
            Grid(pan=(-30.5, 30.5, 30.0001, 30.0002, 0)),
            Grid(pan=(-7.25, 7.25), tilt=(-90, 0, 0.5, 90), roll=(-180, -0.125, 0, 180)),
            Grid(roll=(-20, 20)),
        ],
    )
    def test_they_are_unique_and_safe_in_file_names(self, grid: Grid) -> None:
        names = [view.view_id for view in grid.views()]
        assert len({name.lower() for name in names}) == len(names)
        assert all(FILE_SAFE.fullmatch(name) for name in names), names

    def test_they_say_the_roll_only_where_it_varies(self) -> None:
        (view,) = Grid(pan=(10,), tilt=(5,)).views()
        assert view.view_id == "pan+10_tilt+05"
        (view,) = Grid(pan=(10,), tilt=(5,), roll=(-8,)).views()
        assert view == View("pan+10_tilt+05_roll-08", 10, 5, -8)

    def test_they_are_unique_among_random_views_too(self) -> None:
        names = [v.view_id for v in RandomViews(count=2000, pan=(-1, 1)).views("F0001_AN01")]
        assert len(set(names)) == 2000
        assert all(FILE_SAFE.fullmatch(name) for name in names)


class TestTurning:
    @pytest.mark.parametrize("view", [*P1.views(""), *P2.views(""), View("", 20, -35, 50)])
    def test_pan_tilt_and_roll_are_yaw_pitch_and_roll(self, view: View) -> None:
        expected = turn(view.pan_deg, view.tilt_deg, view.roll_deg)
        assert Turning().rotation(view) == pytest.approx(expected, abs=1e-14)

    def test_a_yaw_sign_of_minus_one_turns_the_nose_to_the_left(self) -> None:
        turned = Turning(yaw_sign=-1).rotation(View("", 30, 20, 10))
        assert turned == pytest.approx(turn(-30, 20, 10), abs=1e-14)
        assert turned[0, 2] < 0 < turned[1, 2]  # where the nose points: left and up

    def test_the_order_xyz_pans_before_it_tilts(self) -> None:
        turned = Turning(rotation_order="XYZ").rotation(View("", 40, 20, 10))
        expected = turn(0, 20) @ turn(40) @ turn(0, 0, 10)
        assert turned == pytest.approx(expected, abs=1e-14)

    @pytest.mark.parametrize("values", [{"yaw_sign": 0}, {"rotation_order": "YXY"}, {"order": "Y"}])
    def test_other_values_are_refused(self, values: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            Turning.model_validate(values)


class TestRandomViews:
    def test_the_same_seed_gives_the_same_views_of_a_scan(self) -> None:
        again = RandomViews(count=300, seed=3, pan=(-60, 60), tilt=(-30, 10), roll=(-5, 5))
        assert WIDE.views("F0001_AN01") == again.views("F0001_AN01")

    def test_these_views_never_change(self) -> None:  # sets that were rendered must stay the same
        views = RandomViews(count=2, seed=1, pan=(-60, 60), tilt=(-30, 30)).views("F0001_AN01")
        assert [(v.pan_deg, v.tilt_deg) for v in views] == [(15.59, -8.63), (37.91, -1.65)]

    def test_scans_and_seeds_get_other_views(self) -> None:
        other_seed = WIDE.model_copy(update={"seed": 4})
        sets = [WIDE.views("F0001_AN01"), WIDE.views("F0001_AN02"), other_seed.views("F0001_AN01")]
        pans = [{view.pan_deg for view in views} for views in sets]
        assert all(len(a & b) < 30 for a, b in [pans[:2], pans[1:], pans[::2]])

    def test_asking_for_more_views_keeps_the_first(self) -> None:
        more = WIDE.model_copy(update={"count": 400})
        assert more.views("F0001_AN01")[:300] == WIDE.views("F0001_AN01")

    def test_they_fill_their_ranges_and_stay_within(self) -> None:
        views = WIDE.views("M0044_SU04")
        for name, (low, high) in {"pan": (-60, 60), "tilt": (-30, 10), "roll": (-5, 5)}.items():
            angles = np.array([getattr(view, f"{name}_deg") for view in views])
            assert low <= angles.min() < low + 0.05 * (high - low)
            assert high - 0.05 * (high - low) < angles.max() <= high
            assert np.array_equal(angles, np.round(angles, 2))

    def test_rounding_never_leaves_a_narrow_range(self) -> None:
        narrow = RandomViews(count=50, pan=(0.001, 0.004), tilt=(10.005, 10.005), roll=(-0.003, 0))
        for view in narrow.views("F0001_AN01"):
            assert 0.001 <= view.pan_deg <= 0.004
            assert view.tilt_deg == 10.005
            assert -0.003 <= view.roll_deg <= 0

    def test_no_angle_is_minus_zero(self) -> None:
        views = RandomViews(count=50, pan=(-0.004, 0.004), tilt=(-0.0, 0.0)).views("x")
        assert "-0.0" not in {str(a) for v in views for a in (v.pan_deg, v.tilt_deg, v.roll_deg)}


GRID = "grid: {pan: [0, 30]}\n"
FAULTS = {
    "an unknown key": (GRID + "pans: [0]", r"'pans': unknown key"),
    "an unknown key within": ("grid: {pan: [0], yaw: [1]}", r"'grid\.yaw': unknown key"),
    "both kinds": (GRID + "random: {count: 3}", r"expected either 'grid' or 'random'"),
    "neither kind": ("intensities: [4]", r"expected either 'grid' or 'random'"),
    "an empty kind": ("grid:", r"expected either 'grid' or 'random'"),
    "too many views": (
        f"grid: {{pan: {[*range(-150, 150)]}, tilt: {[*range(-40, 40)]}}}",
        r"'grid': .*24000 views, 10000 are the most",
    ),
    "too many random views": ("random: {count: 10001}", r"'random\.count': .*10000"),
    "no random view": ("random: {count: 0}", r"'random\.count'"),
    "no count": ("random: {pan: [0, 1]}", r"'random\.count': Field required"),
    "NaN": ("grid: {pan: [0, .nan]}", r"'grid\.pan\.1': .*finite"),
    "infinity": ("random: {count: 1, pan: [0, .inf]}", r"'random\.pan\.1': .*finite"),
    "a reversed range": ("random: {count: 2, pan: [9, -9]}", r"'random': .*pan: .*begins at 9"),
    "half a range": ("random: {count: 2, tilt: [9]}", r"'random\.tilt\.1': Field required"),
    "the same angle twice": ("grid: {pan: [0, 30, 30.0]}", r"'grid': .*the same angles"),
    "zero with two signs": ("grid: {pan: [0.0, -0.0]}", r"'grid': .*the same angles"),
    "angles told apart by less than names do": (
        "grid: {pan: [0.00001, 0.00002]}",
        r"'grid': .*the same angles, to 1e-4",
    ),
    "more than half a turn": ("grid: {pan: [0, 181]}", r"'grid\.pan\.1': .*180, got 181"),
    "a nod over the top": ("grid: {tilt: [0, -91]}", r"'grid\.tilt\.1': .*-90, got -91"),
    "no angle": ("grid: {pan: []}", r"'grid\.pan'"),
    "an angle that is no list": ("grid: {pan: 30}", r"'grid\.pan': .*got 30"),
    "a truth value": ("grid: {pan: [0, yes]}", r"'grid\.pan\.1': .*got True"),
    "a text": ("grid: {pan: [0, '30']}", r"'grid\.pan\.1': .*got '30'"),
    "a fraction of a view": ("random: {count: 1.5}", r"'random\.count': .*got 1\.5"),
    "a negative seed": ("random: {count: 1, seed: -1}", r"'random\.seed'"),
    "a level that there is not": (GRID + "intensities: [4, 5]", r"'intensities\.1': .*got 5"),
    "a level twice": (GRID + "intensities: [4, 4]", r"'intensities': .*twice"),
    "a path for a name": (GRID + "name: ../elsewhere", r"'name': .*got '\.\./elsewhere'"),
    "a line break in the name": (GRID + 'name: "mine\\n"', r"'name'"),
    "capitals in the name": (GRID + "name: Mine", r"'name': .*got 'Mine'"),
    "a published set's name": (GRID + "name: p2", r"'name': 'p2' is that of the published set"),
    "a number for a key": (GRID + "1: 2", r"'1'"),
    "an alias": ("random: {count: &n 3, seed: *n}", r"is not plain YAML: aliases"),
    "a tag": ("grid: !!python/tuple [1]", r"is not plain YAML: .*tag"),
    "a list": ("- 1", r"expected keys and values, found list"),
    "nothing": ("", r"expected keys and values, found NoneType"),
}


class TestFiles:
    @pytest.mark.parametrize("name", ["p1", "P2"])
    def test_the_published_sets_need_no_file(self, name: str) -> None:
        assert load_views(name) is {"p1": P1, "P2": P2}[name]

    def test_a_grid_is_read_with_the_files_stem_as_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "My-Grid.yaml"
        path.write_text("intensities: [2, 4]\ngrid: {pan: [-20, 20.5], tilt: [0, 10]}\n")
        view_set = load_views(str(path))
        grid = Grid(pan=(-20, 20.5), tilt=(0, 10))
        assert view_set == ViewSet(name="my-grid", intensities=(2, 4), grid=grid)
        assert view_set.expected_samples == 4 * 2 * 6 * 100

    def test_random_views_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "any.yml"
        path.write_text("name: drawn\nrandom: {count: 3, seed: 7, pan: [-10, 10]}\n")
        view_set = load_views(str(path))
        assert (view_set.name, view_set.num_views) == ("drawn", 3)
        assert view_set.views("a") == RandomViews(count=3, seed=7, pan=(-10, 10)).views("a")
        assert view_set.views("a") != view_set.views("b")

    def test_a_copy_of_a_published_set_may_bear_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "p1.yaml"
        path.write_text("grid: {pan: [0, 30, 45, 60, 90]}\n")
        assert load_views(str(path)) == P1

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_fault_is_named_with_file_and_key(self, fault: str, tmp_path: Path) -> None:
        text, message = FAULTS[fault]
        path = tmp_path / "views.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError, match=rf"{re.escape(str(path))}: .*{message}") as caught:
            load_views(str(path))
        assert "\n" not in str(caught.value)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
            load_views(str(tmp_path / "none.yaml"))

    @pytest.mark.parametrize("name", ["p3", "", "p1.json", "."])
    def test_what_is_neither_a_set_nor_yaml_is_refused(self, name: str) -> None:
        with pytest.raises(ConfigError, match=r"--views .*expected p1, p2, or a YAML file"):
            load_views(name)
