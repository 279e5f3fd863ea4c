"""Multi-PIE: the paper's part, its options, and folders that are not as they should be."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_fakes import multipie, multipie_repacked, picture, put
from scipy.io import savemat

from fertools.errors import DatasetError
from fertools.formats.multipie import CAMERA_YAWS, MultipieOptions, open_multipie, read_subjects
from fertools.formats.registry import Fault, Note, Row, Sample


def read(root: Path, **options: Any) -> list[Row]:
    return list(open_multipie(root, MultipieOptions(**options)).rows)


def samples(rows: list[Row]) -> list[Sample]:
    return [row for row in rows if isinstance(row, Sample)]


def faults(rows: list[Row]) -> list[str]:
    return [str(row) for row in rows if isinstance(row, Fault)]


def test_the_papers_part_has_one_picture_a_cell(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=3)
    cells = Counter((s.subject_id, s.expression, s.view_id) for s in samples(read(tmp_path)))
    assert len(cells) == 3 * 6 * 7
    assert set(cells.values()) == {1}


def test_positive_yaw_is_the_default_side(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    yaws = sorted({s.yaw_deg for s in samples(read(tmp_path)) if s.yaw_deg is not None})
    assert yaws == [0, 15, 30, 45, 60, 75, 90]
    other = sorted(
        {s.yaw_deg for s in samples(read(tmp_path, side="neg")) if s.yaw_deg is not None}
    )
    assert other == [-90, -75, -60, -45, -30, -15, 0]


def test_recordings_follow_the_choice(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    rows = samples(read(tmp_path, neutral="s4r2", smile="s3r2"))
    places = {(s.expression, s.extra["session"], s.extra["recording"]) for s in rows}
    assert places == {
        ("neutral", 4, 2),
        ("smile", 3, 2),
        ("surprise", 2, 2),
        ("squint", 2, 3),
        ("disgust", 3, 3),
        ("scream", 4, 3),
    }


def test_subjects_without_all_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=3)
    gone = next((tmp_path / "data/session02").rglob("002_02_02_041_07.png"))
    gone.unlink()
    rows = read(tmp_path)
    assert {s.subject_id for s in samples(rows)} == {"001", "003"}
    notes = [row.reason for row in rows if isinstance(row, Note)]
    assert any("002 lacks 1, as 'surprise' from camera 04_1" in reason for reason in notes)


def test_the_first_subjects_in_order_are_taken(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=3)
    assert {s.subject_id for s in samples(read(tmp_path, subjects=2))} == {"001", "002"}


def test_a_list_of_subjects_is_followed_or_refused(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=3)
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("# three\r\n3\n001\n")
    subjects = read_subjects(chosen)
    assert {s.subject_id for s in samples(read(tmp_path, subject_list=subjects))} == {"001", "003"}
    with pytest.raises(DatasetError, match=r"no picture of subject 099"):
        read(tmp_path, subject_list=("099",))
    chosen.write_text("1\nBob\n")
    with pytest.raises(DatasetError, match=r"line 2 is 'Bob'; expected a subject's number"):
        read_subjects(chosen)


def test_another_illumination_that_nobody_has_is_said(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    with pytest.raises(DatasetError, match=r"nobody has all 42 pictures.*another illumination"):
        read(tmp_path, illumination=3)


def test_all_takes_every_recording_and_camera(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    put(tmp_path / "data/session01/multiview/001/01/19_1/001_01_01_191_07.png", picture(1, "png"))
    rows = samples(read(tmp_path, select="all"))
    assert len(rows) == 11 * len(CAMERA_YAWS) + 1
    elevated = next(s for s in rows if s.extra["camera"] == "19_1")
    assert (elevated.yaw_deg, elevated.view_id, elevated.pose_source) == (None, "cam19_1", None)


def test_the_same_picture_twice_is_a_fault(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    put(tmp_path / "more/session01/multiview/001/01/05_1/001_01_01_051_07.png", picture(5, "png"))
    assert any("this picture is also in data/" in text for text in faults(read(tmp_path)))


def test_two_layouts_are_refused(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    multipie_repacked(tmp_path)
    with pytest.raises(DatasetError, match="holds two layouts, the authors'"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("session01/multiview/001/01/05_1/001_01_02_051_07.png", "another subject, session"),
        ("session01/multiview/001/01/05_1/001_01_01_051_77.png", "illumination 77; expected"),
        ("session01/multiview/001/07/05_1/001_01_07_051_07.png", "recording 7 of session 1"),
        ("session01/multiview/001/01/99_9/001_01_01_999_07.png", "camera 99_9"),
        ("session01/multiview/001/01/05_1/001_01_01_051.png", "does not follow Multi-PIE's"),
    ],
)
def test_a_name_that_cannot_be_is_a_fault(tmp_path: Path, name: str, match: str) -> None:
    multipie(tmp_path, subjects=1)
    put(tmp_path / "data" / name, picture(5, "png"))
    assert any(match in text for text in faults(read(tmp_path)))


def test_a_loop_of_links_ends_and_is_said(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    (tmp_path / "data/again").symlink_to(tmp_path)
    (tmp_path / "data/nowhere").symlink_to(tmp_path / "absent")
    said = faults(read(tmp_path))
    assert any("data/again: leads to a folder that was read already" in text for text in said)
    assert any("data/nowhere: is a link that leads nowhere" in text for text in said)
    assert len(said) == 2


def test_labels_are_matched_whatever_their_illumination(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    points = np.arange(136, dtype=np.float64).reshape(68, 2)
    labels = tmp_path / "MPie_Labels/labels/051"
    labels.mkdir(parents=True)
    savemat(labels / "001_01_01_051_16_lm.mat", {"pts": points})
    put(labels / "001_01_02_051_07_lm.mat", b"MATLAB 5.0 MAT-file, cut off")
    rows = read(tmp_path)
    marked = [s for s in samples(rows) if s.landmarks is not None]
    assert [s.sample_id for s in marked] == ["001_01_01_051_07"]
    assert marked[0].landmarks is not None
    assert np.array_equal(marked[0].landmarks, points)
    assert [text for text in faults(rows) if "no landmarks 'pts'" in text]


def test_who_is_who_is_read_where_it_is_there(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=2)
    lines = "id birth gender s1 s2 s3 s4\n1 1970 Male 1 1 1 1\n2 1980 Female 1 1 1 1\nx\n"
    put(tmp_path / "data/meta/subject_list.txt", lines)
    rows = read(tmp_path)
    assert {(s.subject_id, s.extra["sex"]) for s in samples(rows)} == {
        ("001", "male"),
        ("002", "female"),
    }
    assert faults(rows) == [
        "data/meta/subject_list.txt, line 4: expected a subject's number, birth year, gender and "
        "sessions, divided by blanks"
    ]


def test_what_only_looks_like_a_picture_is_said(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    folder = tmp_path / "data/session01/multiview/001/01/05_1"
    (folder / "001_01_01_051_08.png").mkdir()
    os.mkfifo(folder / "001_01_01_051_09.png")
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(b"")
    said = faults(read(tmp_path))
    assert any("_08.png: is a folder; expected a picture" in text for text in said)
    assert any("_09.png: is no regular file but a pipe" in text for text in said)
    assert any("the name is not UTF-8; rename it" in text for text in said)


def test_the_folder_data_finds_what_lies_beside_it(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    put(tmp_path / "meta/subject_list.txt", "1 1970 Male 1 1 1 1\n")
    labels = tmp_path / "MPie_Labels/labels/051"
    labels.mkdir(parents=True)
    savemat(labels / "001_01_01_051_16_lm.mat", {"pts": np.ones((39, 2))})
    rows = samples(read(tmp_path / "data"))
    assert {s.extra["sex"] for s in rows} == {"male"}
    assert sum(s.landmarks is not None for s in rows) == 1


def test_a_label_that_unfolds_to_gigabytes_is_not_unfolded(tmp_path: Path) -> None:
    multipie(tmp_path, subjects=1)
    labels = tmp_path / "MPie_Labels/labels/051"
    labels.mkdir(parents=True)
    many = np.zeros((1_000_000, 2))
    savemat(labels / "001_01_01_051_16_lm.mat", {"pts": many}, do_compression=True)
    assert any("'pts' has shape [(1000000, 2)]" in text for text in faults(read(tmp_path)))
