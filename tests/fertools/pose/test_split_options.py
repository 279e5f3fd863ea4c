"""The name of a split's folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pose_homes import cut

from fertools.pose.list_import import find_listed
from fertools.pose.rules import PoseRule
from fertools.pose.split import Cut, Split, split_by_list
from fertools.pose.split_options import SplitOptions, folder_name


@pytest.fixture
def split(tmp_path: Path) -> Split:
    return cut(tmp_path / "affectnet", [40.0] * 5)


def named(split: Split, **changes: Any) -> str:
    """The folder of a split that was cut in another way."""
    assert isinstance(split.cut, Cut)
    return folder_name(replace(split, cut=replace(split.cut, **changes)), SplitOptions())


def test_what_is_usual_does_not_stand_in_the_name(split: Split) -> None:
    assert named(split) == "pose-affectnet-30"


def test_thresholds_and_confidences_are_never_rounded_into_one_folder(split: Split) -> None:
    assert named(split, min_confidence=0.3000001) == "pose-affectnet-30-conf0.3000001"
    assert named(split, rule=PoseRule(30.00000000001)) == "pose-affectnet-30.00000000001"


def test_tables_of_one_name_have_a_folder_each(split: Split) -> None:
    assert split.cut is not None

    def table(folder: str, version: str, convention: str) -> str:
        options = {"file": f"{folder}/t.csv", "convention": convention, "unit": None}
        poses = replace(split.cut.poses, estimator="table", version=version, options=options)  # type: ignore[union-attr]
        return named(split, poses=poses)

    first = table("a", "table 1, file 00", "whenet")
    assert first.startswith("pose-affectnet-30-table-t-")
    assert first == table("b", "table 1, file 00", "whenet")  # the same file elsewhere
    others = {table("a", "table 1, file 11", "whenet"), table("a", "table 1, file 00", "6drepnet")}
    assert len({first, *others}) == 3


def test_lists_of_one_name_have_a_folder_each(split: Split, tmp_path: Path) -> None:
    def listed(folder: str, text: str, **options: Any) -> str:
        path = tmp_path / folder / "\u5217.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        rows = split.manifest
        found = find_listed(path, rows.frame, "affectnet", **options)
        return folder_name(split_by_list(rows, found), SplitOptions(from_list=path, **options))

    names = {
        listed("a", "6/1.jpg\n"),
        listed("b", "6/1.jpg\n6/1.jpg\n"),
        listed("b", "6/1.jpg\n6/1.jpg\n", duplicates="keep"),
    }
    assert len(names) == 3
    assert all(re.fullmatch(r"pose-affectnet-list-[0-9a-f]{8}(-repeated)?", n) for n in names)
