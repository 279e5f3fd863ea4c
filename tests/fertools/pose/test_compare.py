from __future__ import annotations

import math
from pathlib import Path

import pytest
from pose_homes import cut

from fertools.pose.compare import Comparison, compare_with_list
from fertools.pose.list_import import find_listed

NAN = math.nan


def compare(folder: Path, yaws: list[float], lines: str) -> Comparison:
    """A cut at 30 degrees beside a list of anger, fear, fear, neutral, contempt: val/1 to val/5."""
    split = cut(folder, yaws)
    (folder / "list.txt").write_text(lines)
    frame = split.manifest.frame
    return compare_with_list(split, find_listed(folder / "list.txt", frame, "affectnet"))


def test_the_same_pictures_agree_wholly(tmp_path: Path) -> None:
    found = compare(tmp_path, [40, 40, 10, 10, 10], "6/1.jpg\n4/2.jpg\n")
    assert found.jaccard == 1
    assert found.disagreements.empty
    assert (found.num_near, found.num_far, found.num_unsure) == (0, 0, 0)


def test_jaccard_is_the_share_of_those_in_one_or_both(tmp_path: Path) -> None:
    found = compare(tmp_path, [40, 33, 50, 10, NAN], "6/1.jpg\n4/2.jpg\n0/4.jpg\n7/5.jpg\n")
    assert found.jaccard == 2 / 5
    rows = found.classes.set_index("expression")
    assert rows.loc["fear", ["both", "only_split", "only_list"]].tolist() == [1, 1, 0]
    assert rows.loc["all", ["both", "only_split", "only_list"]].tolist() == [2, 1, 2]
    assert rows.loc["neutral", "jaccard"] == 0


def test_disagreements_come_with_their_angles_the_furthest_first(tmp_path: Path) -> None:
    found = compare(tmp_path, [40, 33, 50, 10, NAN], "6/1.jpg\n0/4.jpg\n7/5.jpg\n")
    rows = found.disagreements
    assert rows["sample_id"].tolist() == ["val/3", "val/4", "val/2", "val/5"]
    assert rows["in"].tolist() == ["split", "list", "split", "list"]
    assert rows["margin"].tolist()[:3] == pytest.approx([20, -20, 3])
    assert rows["reason"].iloc[-1] == "no face was found"
    assert (found.num_near, found.num_far, found.num_unsure) == (1, 2, 1)


def test_a_class_in_neither_has_no_index(tmp_path: Path) -> None:
    found = compare(tmp_path, [40, 10, 10, 10, 10], "6/1.jpg\n")
    assert math.isnan(found.classes.set_index("expression").loc["fear", "jaccard"])
