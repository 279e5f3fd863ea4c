"""Tables of angles: keys, conventions, units and faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pose_batches import batch_of

from fertools.errors import ConfigError, DatasetError
from fertools.geometry import angles_from_rotation
from fertools.pose.registry import PoseEstimates, choose_options, get_estimator


def estimate(path: Path, *images: str, sets: tuple[str, ...] = ()) -> PoseEstimates:
    if not any(text.startswith("convention=") for text in sets):
        sets = ("convention=fertools", *sets)
    options = choose_options("table", file=path, sets=sets)
    return get_estimator("table").open(options).estimate(batch_of(images=images))


def angles(found: PoseEstimates, number: int = 0) -> list[float]:
    return [round(value, 3) for value in angles_from_rotation(found.rotations[number])]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_samples_are_found_by_the_column_that_is_there(tmp_path: Path) -> None:
    by_sample = write(tmp_path / "s.csv", "sample_id,yaw,pitch\nset/a/1.jpg,10,-5\n")
    by_image = write(tmp_path / "i.csv", "yaw,image,pitch\n10,a/1.jpg,-5\n")
    by_name = write(tmp_path / "n.tsv", "name\tpitch\tyaw\troll\n1.jpg\t-5\t10\t0\n")
    without_ending = write(tmp_path / "e.csv", "name, yaw, pitch\n1, 10, -5\n")
    for path in (by_sample, by_image, by_name, without_ending):
        found = estimate(path, "a/1.jpg", "a/2.jpg")
        assert angles(found) == [10, -5, 0]
        assert found.confidence[0] == 1
        assert found.reasons == [None, "the file says nothing of it"]
        assert found.num_faces.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("convention", "row", "expected"),
    [
        ("fertools", "30,10,5", [30, 10, 5]),
        ("openface", "0.5235988,0,0", [-30, 0, 0]),
        ("6drepnet", "30,0,0", [-30, 0, 0]),
        ("6drepnet", "0,20,0", [0, 20, 0]),
        ("whenet", "-30,0,0", [30, 0, 0]),
        ("mediapipe", "0,20,0", [0, -20, 0]),
    ],
)
def test_conventions_have_their_signs_and_units(
    tmp_path: Path, convention: str, row: str, expected: list[float]
) -> None:
    path = write(tmp_path / "a.csv", f"name,yaw,pitch,roll\na,{row}\n")
    found = estimate(path, "a.jpg", sets=(f"convention={convention}",))
    assert angles(found) == expected


def test_a_unit_of_its_own_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,yaw,pitch\na,30,0\n")
    sets = ("convention=openface", "unit=degrees")
    assert angles(estimate(path, "a.jpg", sets=sets)) == [-30, 0, 0]
    path = write(tmp_path / "b.csv", f"name,yaw,pitch\na,{np.radians(30)},0\n")
    assert angles(estimate(path, "a.jpg", sets=("unit=radians",))) == [30, 0, 0]


def test_confidence_and_what_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,yaw,pitch,confidence\na,1,2,0.25\nb,,2,0.5\nc,nan,0,0\n")
    found = estimate(path, "a.jpg", "b.jpg", "c.jpg")
    assert found.confidence[0] == 0.25
    assert found.reasons == [None, *["the file has no angles of it"] * 2]
    assert np.isnan(found.rotations[1:]).all()
    assert np.isnan(found.confidence[1:]).all()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "has no column 'sample_id', 'image' or 'name'"),
        ("name,yaw\na,1\n", "has no column 'pitch'"),
        ("name,yaw,pitch\na,1,2\na.jpg,1,2\n", "line 3: 'a' is there twice"),
        ("name,yaw,pitch\n ,1,2\n", "line 2: names nothing"),
        ("name,yaw,pitch\na,361,2\n", "line 2: yaw is 361; expected degrees, within ±360"),
        ("name,yaw,pitch\na,one,2\n", "'one' in column 'yaw' is no number"),
        ("name,yaw,pitch\na,1\n", "line 2: has 2 cells, the header 3"),
        ("name,yaw,pitch,confidence\na,1,2,\n", "a confidence of nan; expected 0 to 1"),
        ("name,yaw,yaw,pitch\na,1,1,2\n", "has the column 'yaw' twice"),
        ("name,yaw,pitch\na,1_0,2\n", "'1_0' in column 'yaw' is no number"),
        ("name,yaw,pitch\na,١٠,2\n", "in column 'yaw' is no number"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = write(tmp_path / "a.csv", text)
    with pytest.raises(DatasetError, match=fault) as caught:
        estimate(path, "a.jpg")
    assert str(path) in str(caught.value)


def test_an_empty_row_may_have_no_confidence_either(tmp_path: Path) -> None:
    text = "name,yaw,pitch,confidence\na,,,\nb,1.,2e0,.5\n"
    found = estimate(write(tmp_path / "a.csv", text), "a.jpg", "b.jpg")
    assert found.reasons == ["the file has no angles of it", None]
    assert np.isnan(found.confidence[0])
    assert angles(found, 1) == [1, 2, 0]


def test_degrees_taken_for_radians_are_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,yaw,pitch\na,30,0\n")
    with pytest.raises(
        DatasetError, match=r"yaw is 30; expected radians, within ±6\.283; say --set"
    ):
        estimate(path, "a.jpg", sets=("convention=openface",))


def test_an_unknown_convention_is_an_option_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'convention': unknown angle convention 'euler'"):
        choose_options("table", file=tmp_path / "a.csv", sets=["convention=euler"])


def test_a_name_that_fits_two_pictures_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "name,yaw,pitch\na,1,2\n")
    with pytest.raises(DatasetError, match="'a' fits 2 pictures"):
        estimate(path, "x/a.jpg", "y/a.jpg")
