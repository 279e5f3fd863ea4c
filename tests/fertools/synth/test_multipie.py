from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.io import loadmat
from typer.testing import CliRunner

from cli.synth_commands import app
from fertools.errors import ConfigError, OutputError
from fertools.expressions import MULTIPIE_RECORDINGS
from fertools.formats.multipie import CAMERA_YAWS, open_multipie
from fertools.formats.multipie import MultipieOptions as ReaderOptions
from fertools.formats.multipie_labels import read_subject_list
from fertools.formats.registry import Sample
from fertools.geometry import angles_from_rotation
from fertools.synth.expressions import OTHER_EXPRESSIONS, draw_habits, draw_pose
from fertools.synth.multipie import (
    MultipieSummary,
    choose_cameras,
    choose_numbers,
    estimate_bytes,
    synthesise_multipie,
)
from fertools.synth.multipie_layout import (
    ALL_CAMERAS,
    Layout,
    MultipieOptions,
    Place,
    attendance,
    label_bytes,
    places_of,
    subject_number,
)
from fertools.synth.multipie_rig import (
    camera_rotation,
    draw_seat,
    labelled_points,
    lights_of,
    photograph,
)
from fertools.synth.multipie_subject import SubjectTask, subject_is_whole, write_subject

SMALL: dict[str, Any] = {"seed": 5, "sessions": (1, 2), "cameras": ("05_1", "24_0")}
NAME = re.compile(r"(\d{3})_(0[1-4])_(\d{2})_(\d{3})_(\d{2})\.png")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> MultipieSummary:
    """Two subjects before two cameras in two sessions, made by two processes."""
    root = tmp_path_factory.mktemp("standins") / "multipie"
    return synthesise_multipie(root, subjects=2, workers=2, **SMALL)


@pytest.fixture
def copied(pictures: MultipieSummary, tmp_path: Path) -> Path:
    shutil.copytree(pictures.root, tmp_path / "copy")
    return tmp_path / "copy"


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def truth(root: Path) -> dict[str, dict[str, Any]]:
    rows = pq.read_table(root / "ground_truth.parquet").to_pylist()
    return {row["sample_id"]: row for row in rows}


class TestLayout:
    def test_folders_and_names_are_the_authors(self, pictures: MultipieSummary) -> None:
        found = sorted((pictures.root / "data").rglob("*.png"))
        assert len(found) == pictures.pictures == 2 * 5 * 2
        for path in found:
            match = NAME.fullmatch(path.name)
            assert match is not None
            subject, session, recording, camera, _ = match.groups()
            folder = f"session{session}/multiview/{subject}/{recording}/{camera[:2]}_{camera[2]}"
            assert path.parent == pictures.root / "data" / folder
            assert (int(session), int(recording)) in MULTIPIE_RECORDINGS

    def test_pictures_are_640_by_480(self, pictures: MultipieSummary) -> None:
        with Image.open(next(pictures.root.rglob("*.png"))) as picture:
            assert (picture.size, picture.mode, picture.format) == ((640, 480), "RGB", "PNG")

    def test_the_list_of_subjects_is_read_back(self, pictures: MultipieSummary) -> None:
        about, faults = read_subject_list(pictures.root)
        assert (about, faults) == ({"001": "female", "002": "male"}, [])
        lines = (pictures.root / "meta" / "subject_list.txt").read_text().splitlines()
        assert all(re.fullmatch(r"\d{3} 19\d\d [FM]( [01]){4}", line) for line in lines)

    def test_the_root_says_that_it_is_synthetic(self, pictures: MultipieSummary) -> None:
        marker = json.loads((pictures.root / "SYNTHETIC.json").read_text())
        assert (marker["synthetic"], marker["complete"]) == (True, True)
        assert (marker["subjects"], marker["pictures"]) == (2, 20)
        assert "every fifth" in marker["absences"]

    @pytest.mark.parametrize(
        ("level", "path"),
        [
            ("data", "data/session03/multiview/001/02/05_1/001_03_02_051_07.png"),
            ("none", "session03/multiview/001/02/05_1/001_03_02_051_07.png"),
            ("deeper", "Multi-Pie/data/session03/multiview/001/02/05_1/001_03_02_051_07.png"),
            ("repacked", "001/05_1/Smile/2/001_03_02_051_07.jpg"),
        ],
    )
    def test_each_level_has_its_folders(self, level: Any, path: str) -> None:
        assert Layout(level).picture(Place("001", 3, 2, "05_1", 7)) == path

    def test_the_repacked_layout_is_jpeg(self, tmp_path: Path) -> None:
        made = synthesise_multipie(
            tmp_path, subjects=1, seed=5, sessions=(1,), cameras=("05_1",), level="repacked"
        )
        found = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.jpg"))
        assert len(found) == made.pictures
        assert found[0] == "001/05_1/Neutral/1/001_01_01_051_07.jpg"
        with Image.open(tmp_path / found[0]) as picture:
            assert picture.format == "JPEG"
        again = synthesise_multipie(
            tmp_path, subjects=1, seed=5, sessions=(1,), cameras=("05_1",), level="repacked"
        )
        assert (again.made, again.kept) == (0, 1)


class TestReader:
    def test_the_projects_reader_takes_all_of_it(self, pictures: MultipieSummary) -> None:
        opened = open_multipie(pictures.root, ReaderOptions(select="all"))
        rows = list(opened.rows)
        samples = {row.sample_id: row for row in rows if isinstance(row, Sample)}
        known = truth(pictures.root)
        assert len(rows) == len(samples) == pictures.pictures
        for name, sample in samples.items():
            assert (sample.image, sample.expression) == (
                known[name]["image"],
                known[name]["expression"],
            )
            assert sample.yaw_deg == CAMERA_YAWS[known[name]["camera"]]
        labels = len(list(pictures.root.rglob("*.mat")))
        assert sum(sample.landmarks is not None for sample in samples.values()) == labels


class TestPlanting:
    def test_faults_are_planted_once_at_the_end(self, copied: Path) -> None:
        kinds = ("missing", "corrupt")
        again = synthesise_multipie(copied, subjects=2, plant=kinds, **SMALL)
        assert (again.made, again.kept) == (0, 2)
        once = files(copied)
        assert json.loads(once["SYNTHETIC.json"])["planted"]["kinds"] == ["corrupt", "missing"]
        assert len(json.loads(once["planted.json"])) == 2
        assert synthesise_multipie(copied, subjects=2, plant=kinds, **SMALL).made == 0
        assert files(copied) == once

    def test_a_planted_folder_is_not_mended_or_added_to(self, copied: Path) -> None:
        synthesise_multipie(copied, subjects=2, plant=("missing",), **SMALL)
        with pytest.raises(ConfigError, match=r"planted faults \(missing\)"):
            synthesise_multipie(copied, subjects=2, **SMALL)
        with pytest.raises(ConfigError, match=r"planted faults \(missing\)"):
            synthesise_multipie(copied, subjects=3, plant=("missing",), **SMALL)


class TestSubjects:
    def test_numbers_have_gaps(self) -> None:
        numbers = [subject_number(index) for index in range(24)]
        assert numbers[:5] == [1, 2, 3, 5, 6]
        assert len(set(numbers)) == 24
        assert numbers[-1] > 24

    def test_every_fifth_stays_away_from_one_or_two_sessions(self) -> None:
        came = [len(attendance(0, index).sessions) for index in range(100)]
        assert [index for index, count in enumerate(came) if count < 4] == list(range(3, 100, 5))
        assert set(came) == {2, 3, 4}

    def test_who_stayed_away_has_no_pictures(self) -> None:
        options = MultipieOptions(0, (1, 2, 3, 4), ("05_1",), (7,))
        sessions = {place.session for place in places_of(3, options)}
        assert sessions == set(attendance(0, 3).sessions)
        assert len(sessions) < 4

    def test_somebody_who_came_to_nothing_that_is_asked_for_is_whole(self, tmp_path: Path) -> None:
        (absent,) = {1, 2, 3, 4} - set(attendance(0, 3).sessions)
        task = SubjectTask(tmp_path, 3, MultipieOptions(0, (absent,), ("05_1",), (7,)))
        assert not subject_is_whole(task)
        write_subject(task)
        assert subject_is_whole(task)

    def test_all_recordings_of_the_set_are_made(self) -> None:
        options = MultipieOptions(0, (1, 2, 3, 4), ("05_1",), (7,))
        places = list(places_of(0, options))
        assert {(p.session, p.recording) for p in places} == set(MULTIPIE_RECORDINGS)
        assert {p.expression for p in places} == set(MULTIPIE_RECORDINGS.values())

    def test_squint_and_scream_change_nobody_else(self) -> None:
        habits = draw_habits([4, 1])
        assert set(OTHER_EXPRESSIONS) >= {"squint", "scream"}
        scream = draw_pose(habits, [4, 1, 2], emotion="scream", intensity=4).units
        squint = draw_pose(habits, [4, 1, 2], emotion="squint", intensity=4).units
        assert scream["jawOpen"] > 0.6
        assert squint["eyeSquintLeft"] > 0.5
        assert squint.get("jawOpen", 0.0) < 0.2


class TestGroundTruth:
    def test_there_is_a_row_for_every_picture(self, pictures: MultipieSummary) -> None:
        rows = truth(pictures.root)
        assert set(rows) == {path.stem for path in pictures.root.rglob("*.png")}
        assert all((pictures.root / row["image"]).stem == name for name, row in rows.items())

    def test_the_yaw_is_that_of_the_camera_and_a_little_of_the_head(
        self, pictures: MultipieSummary
    ) -> None:
        for row in truth(pictures.root).values():
            nominal = CAMERA_YAWS[row["camera"]]
            assert row["yaw_deg"] == pytest.approx(nominal + row["head_yaw_deg"], abs=0.01)
            assert 0.0 < abs(row["yaw_deg"] - nominal) < 5.1
            assert row["expression"] == MULTIPIE_RECORDINGS[row["session"], row["recording"]]

    def test_camera_24_0_sees_the_nose_at_the_right_and_the_right_half(
        self, pictures: MultipieSummary
    ) -> None:
        for name, row in truth(pictures.root).items():
            points = np.array(row["points"]).reshape(68, 2)
            visible = np.array(row["visible"])
            assert ((points > 0) & (points < (640, 480))).all()
            if "_240_" in name:
                assert points[30, 0] > points[0:17, 0].max()
                assert visible[36] > visible[45]
                assert visible[:8].sum() > visible[9:17].sum()
            else:
                assert points[36, 0] < points[45, 0]
                assert visible[[30, 33, 48, 54]].all()

    def test_skin_lies_under_the_points(self, pictures: MultipieSummary) -> None:
        rows = truth(pictures.root)
        for name in ("001_01_01_051_07", "002_01_01_051_07"):
            x, y = np.array(rows[name]["points"]).reshape(68, 2)[30].astype(int)
            picture = np.asarray(Image.open(pictures.root / rows[name]["image"])).astype(int)
            red, _, blue = picture[y, x]
            assert red > blue + 5
            red, _, blue = picture[5, 5]
            assert red <= blue

    def test_people_sit_anew_for_every_recording(self) -> None:
        one, two = draw_seat([0, 1, 0, 201, 1]), draw_seat([0, 1, 0, 201, 2])
        assert not np.array_equal(one.rotation, two.rotation)
        angles = np.array([angles_from_rotation(draw_seat([0, k]).rotation) for k in range(1, 200)])
        assert 1.5 < angles[:, 0].std() < 2.5
        assert np.abs(angles).max() < 5.2


class TestRig:
    def test_the_nose_points_to_the_right_of_camera_24_0(self) -> None:
        nose = np.array([0.0, 0.0, 1.0])
        assert (camera_rotation("24_0") @ nose)[0] == pytest.approx(1.0)
        assert (camera_rotation("11_0") @ nose)[0] == pytest.approx(-1.0)
        assert (camera_rotation("05_1") @ nose)[2] == pytest.approx(1.0)

    def test_the_ceiling_cameras_look_down(self) -> None:
        for camera, sign in (("08_1", -1), ("19_1", 1)):
            yaw, pitch, _ = angles_from_rotation(camera_rotation(camera))
            assert np.sign(yaw) == sign
            assert pitch < -10
            assert (camera_rotation(camera) @ np.array([0.0, 1.0, 0.0]))[2] > 0.3

    def test_flashes_stand_from_left_to_right_and_07_in_front(self) -> None:
        flash = {n: lights_of(n).directions[-4:].mean(axis=0) for n in range(1, 19)}
        across = [flash[n][0] for n in range(1, 14)]
        assert across == sorted(across)
        assert flash[7][2] > 0.98
        assert all(flash[n][1] > flash[7][1] + 0.3 for n in range(14, 19))

    def test_00_and_19_are_the_room_alone(self) -> None:
        assert len(lights_of(0).colours) == len(lights_of(19).colours) < len(lights_of(7).colours)
        room_with_flash = lights_of(7).colours[:-4].sum()
        assert room_with_flash < lights_of(0).colours.sum()

    def test_a_flash_lights_the_same_side_of_the_head_in_all_cameras(self) -> None:
        from fertools.synth.sitting import invite, open_studio, take_shot
        from fertools.synth.torso import draw_clothes

        studio = open_studio("8k", 512)
        sitter = invite(studio, [5, 1, 0], male=False)
        shot = take_shot(studio, sitter, [5, 1, 0, 201, 1], emotion="neutral", intensity=0)
        cheeks = {}
        for flash in (3, 11):
            views = photograph(
                studio,
                sitter,
                shot,
                draw_seat([5, 1, 0]),
                draw_clothes([1]),
                cameras=("14_0", "05_1", "05_0"),
                illumination=flash,
            )
            for number, view in enumerate(views):
                right, left = (view.points[[a, b]].mean(axis=0) for a, b in ((2, 31), (14, 35)))
                patches = [
                    view.picture[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4].mean()
                    for x, y in (right, left)
                ]
                cheeks[flash, number] = patches[0] - patches[1]
        assert all(cheeks[3, number] > 10 for number in range(3))
        assert all(cheeks[11, number] < -10 for number in range(3))


class TestLabels:
    def test_some_landmark_files_are_there(self, tmp_path: Path, copied: Path) -> None:
        found = sorted((copied / "MPie_Labels" / "labels").rglob("*.mat"))
        assert 1 <= len(found) < 20
        rows = truth(copied)
        for path in found:
            stem = path.name.removesuffix("_lm.mat")
            assert path.parent.name == stem[10:13]
            points = np.array(rows[stem]["points"]).reshape(68, 2)
            expected = labelled_points(points, rows[stem]["camera"])
            assert np.allclose(loadmat(path)["pts"], expected, atol=0.01)

    def test_there_are_68_points_up_to_45_degrees_and_39_from_the_side(self) -> None:
        points = np.arange(136.0).reshape(68, 2)
        counts = {camera: len(labelled_points(points, camera)) for camera in ALL_CAMERAS}
        assert {c for c, n in counts.items() if n == 39} == {
            camera for camera, yaw in CAMERA_YAWS.items() if abs(yaw) > 45
        }
        assert set(counts.values()) == {68, 39}

    def test_a_side_view_has_the_half_that_it_sees(self) -> None:
        numbers = np.repeat(np.arange(68.0)[:, None], 2, axis=1)
        right, left = (labelled_points(numbers, camera)[:, 0] for camera in ("24_0", "11_0"))
        assert {0, 8, 17, 30, 33, 36, 48} <= set(right)
        assert {16, 8, 26, 30, 33, 45, 54} <= set(left)
        assert len(set(right)) == len(set(left)) == 39

    def test_a_label_file_holds_no_date(self) -> None:
        data = label_bytes(np.ones((68, 2)))
        assert data == label_bytes(np.ones((68, 2)))
        assert b"Created on" not in data

    def test_they_can_be_left_out(self) -> None:
        from fertools.synth.multipie_subject import _is_labelled

        options = MultipieOptions(0, (1,), ("05_1",), (7,), with_labels=False)
        assert not any(_is_labelled(options, p) for k in range(50) for p in places_of(k, options))


class TestSameBytes:
    def test_one_process_gives_the_bytes_of_two(
        self, pictures: MultipieSummary, tmp_path: Path
    ) -> None:
        again = synthesise_multipie(tmp_path / "again", subjects=1, **SMALL)
        mine = {n: d for n, d in files(again.root).items() if "/001" in n}
        theirs = {n: d for n, d in files(pictures.root).items() if "/001" in n}
        assert mine == theirs
        grown = synthesise_multipie(tmp_path / "again", subjects=2, **SMALL)
        assert (grown.made, grown.kept) == (1, 1)
        assert files(grown.root) == files(pictures.root)


class TestResume:
    def test_whole_subjects_are_kept(self, copied: Path) -> None:
        again = synthesise_multipie(copied, subjects=2, **SMALL)
        assert (again.made, again.kept) == (0, 2)

    def test_a_damaged_subject_is_made_anew(self, copied: Path, pictures: MultipieSummary) -> None:
        victim = next((copied / "data" / "session02").rglob("002_*.png"))
        victim.write_bytes(victim.read_bytes()[:5000])
        (copied / ".partial-002").mkdir()
        again = synthesise_multipie(copied, subjects=2, **SMALL)
        assert (again.made, again.kept) == (1, 1)
        assert files(copied) == files(pictures.root)

    @pytest.mark.parametrize("what", ["*.png", "*.mat", "*.parquet"])
    def test_a_missing_file_is_noticed(self, copied: Path, what: str) -> None:
        options = MultipieOptions(5, (1, 2), ("05_1", "24_0"), (7,))
        tasks = [SubjectTask(copied, index, options) for index in range(2)]
        assert all(map(subject_is_whole, tasks))
        for path in copied.rglob(what):
            path.unlink()
        assert not all(map(subject_is_whole, tasks))

    def test_a_lost_ground_truth_is_put_together_again(
        self, copied: Path, pictures: MultipieSummary
    ) -> None:
        (copied / "ground_truth.parquet").unlink()
        assert synthesise_multipie(copied, subjects=2, **SMALL).kept == 2
        assert files(copied) == files(pictures.root)

    def test_other_options_are_refused_and_named(self, copied: Path) -> None:
        with pytest.raises(ConfigError, match=r"illuminations \[7\] \(now \[0\]\)"):
            synthesise_multipie(copied, subjects=2, illuminations=(0,), **SMALL)

    def test_another_set_is_not_written_into(self, tmp_path: Path) -> None:
        (tmp_path / "session01").mkdir()
        with pytest.raises(OutputError, match="holds 'session01'"):
            synthesise_multipie(tmp_path, subjects=1, **SMALL)


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("subjects", 0, "subjects is 0"),
            ("seed", -1, "seed is -1"),
            ("workers", 0, "workers is 0"),
            ("sessions", (5,), "sessions is 5"),
            ("sessions", (), "sessions is empty"),
            ("illuminations", (20,), "illuminations is 20"),
            ("cameras", ("05_2",), "cameras has '05_2'"),
            ("level", "flat", "level is 'flat'"),
            ("plant", ("rust",), "plant is 'rust'"),
        ],
    )
    def test_one_out_of_range_is_named(
        self, tmp_path: Path, option: str, value: Any, words: str
    ) -> None:
        options: dict[str, Any] = {"subjects": 1, "seed": 0, option: value}
        with pytest.raises(ConfigError, match=words):
            synthesise_multipie(tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()

    def test_lists_are_parsed(self) -> None:
        assert len(choose_cameras("13")) == 13
        assert len(choose_cameras("all")) == 15
        assert choose_cameras("05_1, 24_0") == ("05_1", "24_0")
        assert choose_numbers("all", "sessions", range(1, 5)) == (1, 2, 3, 4)
        assert choose_numbers("0,7", "illuminations", range(20)) == (0, 7)
        with pytest.raises(ConfigError, match="sessions is '1-3'"):
            choose_numbers("1-3", "sessions", range(1, 5))

    def test_the_estimate_counts_absences(self, pictures: MultipieSummary) -> None:
        count, need = estimate_bytes(subjects=2, **SMALL)
        assert count == pictures.pictures
        assert pictures.num_bytes == pytest.approx(need, rel=0.3)
        assert estimate_bytes(subjects=10, seed=0)[0] < 10 * 11 * 13


class TestCommand:
    def test_it_says_how_much_and_prints_the_folder_last(self, copied: Path) -> None:
        options = ["--sessions", "1,2", "--cameras", "05_1,24_0", "--out", str(copied)]
        result = CliRunner().invoke(app, ["multipie", "--subjects", "2", "--seed", "5", *options])
        assert result.exit_code == 0
        assert result.stdout.splitlines()[-1] == str(copied)
        assert "20 pictures, about 0.00 GB" in result.stderr

    def test_an_unknown_fault_is_one_clear_error(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["multipie", "--plant", "rust", "--out", str(tmp_path)])
        assert isinstance(result.exception, (ConfigError, SystemExit))
        assert not any(tmp_path.iterdir())
