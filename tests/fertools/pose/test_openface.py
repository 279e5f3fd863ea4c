"""OpenFace's CSV files: columns, units, faces and names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pose_batches import batch_of

from fertools.errors import ConfigError, DatasetError
from fertools.formats.openface import read_openface
from fertools.geometry import angles_from_rotation
from fertools.pose.estimators.openface import OpenFaceImport
from fertools.pose.registry import PoseEstimates, choose_options, get_estimator

HEADER = "face, confidence, gaze_0_x, pose_Tx, pose_Ty, pose_Tz, pose_Rx, pose_Ry, pose_Rz"


def line(face: int, confidence: float, angles_deg: tuple[float, float, float]) -> str:
    """One row: angles are pose_Rx, pose_Ry, pose_Rz."""
    x, y, z = np.radians(angles_deg)
    return f"{face}, {confidence}, 0.1, 1, 2, 600, {x:.6f}, {y:.6f}, {z:.6f}"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def estimate(path: Path, *images: str) -> PoseEstimates:
    options = choose_options("openface", file=path)
    return get_estimator("openface").open(options).estimate(batch_of(images=images))


def angles(found: PoseEstimates, number: int = 0) -> list[float]:
    return [round(value, 3) for value in angles_from_rotation(found.rotations[number])]


def test_signs_are_turned_into_ours(tmp_path: Path) -> None:
    write(tmp_path / "left.csv", line(0, 0.98, (0, 30, 0)))
    write(tmp_path / "right.csv", line(0, 0.98, (0, -30, 0)))
    write(tmp_path / "down.csv", line(0, 0.98, (20, 0, 0)))
    write(tmp_path / "clockwise.csv", line(0, 0.98, (0, 0, 15)))
    found = estimate(tmp_path, "left.jpg", "a/right.png", "down.jpg", "clockwise.jpg")
    assert angles(found, 0) == [-30, 0, 0]
    assert angles(found, 1) == [30, 0, 0]
    assert angles(found, 2) == [0, -20, 0]
    assert angles(found, 3) == [0, 0, 15]
    assert found.reasons == [None] * 4
    np.testing.assert_allclose(found.confidence, 0.98)
    assert found.num_faces.tolist() == [1] * 4


def test_half_a_turn_is_the_most_that_openface_writes(tmp_path: Path) -> None:
    read_openface(write(tmp_path / "most.csv", "0, 0.9, 0.1, 1, 2, 600, 3.142, 0, -3.142"))
    path = write(tmp_path / "more.csv", "0, 0.9, 0.1, 1, 2, 600, 0, 3.2, 0")
    with pytest.raises(DatasetError, match=r"an angle of 3\.2; expected radians, within ±3\.14"):
        read_openface(path)


def test_one_file_of_many_pictures_names_them(tmp_path: Path) -> None:
    rows = [f"{name}, {line(0, 0.9, (0, yaw, 0))}" for name, yaw in (("x/a.b.jpg", 10), ("c", 20))]
    path = write(tmp_path / "all.csv", *rows, header=f"\ufeffFilename, {HEADER}")
    found = estimate(path, "test/a.b.png", "c.jpg", "d.jpg")
    assert [angles(found, n)[0] for n in (0, 1)] == [-10, -20]
    assert found.reasons[2] == "the file says nothing of it"
    assert np.isnan(found.rotations[2]).all()
    assert np.isnan(found.confidence[2])


def test_of_several_faces_the_most_confident_is_taken(tmp_path: Path) -> None:
    faces = [line(n, c, (0, -y, 0)) for n, c, y in ((0, 0.4, 1), (1, 0.9, 2), (2, 0.7, 3))]
    found = estimate(write(tmp_path / "a.csv", *faces), "a.jpg")
    assert angles(found)[0] == 2
    assert found.num_faces[0] == 3


def test_a_picture_without_a_face_has_a_reason(tmp_path: Path) -> None:
    write(tmp_path / "empty.csv")
    header = f"success, {HEADER}"
    write(tmp_path / "failed.csv", f"0, {line(0, 0.1, (0, 5, 0))}", header=header)
    write(tmp_path / "nan.csv", "0, 0.5, 0, 0, 0, 0, nan, 0.1, 0.1")
    found = estimate(tmp_path, "empty.jpg", "failed.jpg", "nan.jpg")
    assert found.reasons == ["OpenFace found no face"] * 3
    assert found.num_faces.tolist() == [0, 0, 0]
    assert np.isnan(found.rotations).all()


def test_the_version_changes_with_the_files(tmp_path: Path) -> None:
    def version() -> str:
        return OpenFaceImport(tmp_path, read_openface(tmp_path)).version

    write(tmp_path / "a.csv", line(0, 0.9, (0, 1, 0)))
    first = version()
    assert version() == first
    write(tmp_path / "a.csv", line(0, 0.9, (0, 2, 0)))
    assert version() != first


@pytest.mark.parametrize(
    ("rows", "header", "fault"),
    [
        (["1, 2"], "frame, confidence", r"has no column 'pose_Rx', 'pose_Ry', 'pose_Rz'"),
        (
            ["1, 2, 3, 4"],
            "frame, pose_Rx, pose_Ry, pose_Rz",
            r"video or a sequence.*FaceLandmarkImg",
        ),
        (["1, 2, 3"], HEADER, r"line 2: has 3 cells, the header 9"),
        (["0, 0.9, 0, 0, 0, 0, 25, 0, 0"], HEADER, r"line 2: an angle of 25; expected radians"),
        (["0, 0.9, 0, 0, 0, 0, x, 0, 0"], HEADER, r"'x' in column 'pose_Rx' is no number"),
        (["0, 0.9, 0, 0, 0, 0, inf, 0, 0"], HEADER, r"'inf' in column 'pose_Rx' is no finite"),
        (["0, 7, 0, 0, 0, 0, 0, 0, 0"], HEADER, r"a confidence of 7; expected 0 to 1"),
        (["0, nan, 0, 0, 0, 0, 0, 0, 0"], HEADER, r"a confidence of nan; expected 0 to 1"),
        ([line(0, 0.9, (0, 0, 0))] * 2, HEADER, r"face '0' of 'a.csv' is there twice"),
        ([], f"{HEADER}, pose_Rx", r"has the column 'pose_Rx' twice"),
        ([f", {line(0, 0.9, (0, 0, 0))}"], f"name, {HEADER}", r"line 2: names no picture"),
        (
            [f"{name}, {line(0, 0.9, (0, 0, 0))}" for name in ("a/x.jpg", "b/x.jpg")],
            f"image, {HEADER}",
            r"'b/x.jpg' and 'a/x.jpg' have one stem, 'x'",
        ),
        (
            ["0, 0.9, 0, 0, 0, 0, 0, 0, " + "1" * 200_000],
            HEADER,
            r"line 2: is no CSV: field larger",
        ),
    ],
)
def test_bad_files_are_named(tmp_path: Path, rows: list[str], header: str, fault: str) -> None:
    path = write(tmp_path / "a.csv", *rows, header=header)
    with pytest.raises(DatasetError, match=fault) as caught:
        estimate(path, "a.jpg")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_text_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read: No such file"):
        read_openface(tmp_path / "missing.csv")
    with pytest.raises(DatasetError, match=r"has no CSV file.*FaceLandmarkImg -fdir"):
        read_openface(tmp_path)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("é, pose_Rx".encode("latin-1"))
    with pytest.raises(DatasetError, match="is not UTF-8 text"):
        read_openface(latin)
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(DatasetError, match="is a pipe or a device"):
        read_openface(pipe)


def test_a_stem_that_fits_two_pictures_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", line(0, 0.9, (0, 0, 0)))
    with pytest.raises(DatasetError, match=r"'a' fits 2 pictures, such as 'set/x/a\.jpg'"):
        estimate(path, "x/a.jpg", "y/a.png")


def test_it_needs_a_file() -> None:
    with pytest.raises(ConfigError, match="the estimator openface needs --file: OpenFace's CSV"):
        choose_options("openface")
