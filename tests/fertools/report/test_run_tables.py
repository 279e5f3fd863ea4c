from __future__ import annotations

from typing import Any

import pytest

from fertools.protocols import Exclusion
from fertools.report.confusion_tables import confusion_table
from fertools.report.leaks import leak_table
from fertools.report.run_tables import rule_table, view_expression_table
from fertools.report.wording import view_heading, view_names


def _summary(poses: list[tuple[float | None, float | None]]) -> dict[str, Any]:
    views = [f"v{i}" for i in range(len(poses))]
    return {
        "per_view": [
            {"view_id": view, "yaw_deg": yaw, "pitch_deg": pitch}
            for view, (yaw, pitch) in zip(views, poses, strict=True)
        ],
        "view_expression": {
            "expressions": ["anger", "fear"],
            "views": views,
            "recall": [[0.25] * len(views), [None] * len(views)],
            "mean_over_views": [0.25, None],
            "mean_over_expressions": [0.25] * len(views),
            "mean": 0.25,
        },
    }


@pytest.mark.parametrize(
    ("poses", "names", "heading"),
    [
        ([(0.0, 0.0), (-45.0, 0.0)], ["0°", "−45°"], "View (yaw)"),
        ([(0.0, 0.0), (0.0, -15.0)], ["0°, 0°", "0°, −15°"], "View (yaw, pitch)"),
        ([(12.4, 0.0), (30.0, 0.0)], ["v0", "v1"], "View"),
        ([(None, None), (30.0, 0.0)], ["v0", "v1"], "View"),
        ([(30.0, 0.0), (30.0, 0.0)], ["v0", "v1"], "View"),
    ],
)
def test_a_view_is_headed_by_its_angle_where_that_tells_it_apart(
    poses: list[tuple[float | None, float | None]], names: list[str], heading: str
) -> None:
    found = view_names(_summary(poses)["per_view"])
    assert list(found.values()) == names
    assert view_heading(found) == heading


def test_few_views_are_columns_and_many_are_rows() -> None:
    few = view_expression_table(_summary([(0.0, 0.0), (30.0, 0.0)]))
    assert few.columns == ("Expression", "0°", "30°", "Average")
    assert few.units == ("", "%", "%", "%")
    assert [cell.text for cell in few.rows[0]] == ["anger", "25.0", "25.0", "25.0"]
    assert [cell.text for cell in few.rows[1]] == ["fear", "–", "–", "–"]
    many = view_expression_table(_summary([(float(yaw), 0.0) for yaw in range(0, 90, 5)]))
    assert many.columns == ("View (yaw)", "anger", "fear", "Average")
    assert len(many.rows) == 18


def test_confusions_are_shares_of_their_row_with_lost_faces_in_it() -> None:
    table = confusion_table(
        {"counts": [[2, 1], [0, 0]], "not_found": [1, 0]}, ["anger", "fear"], key="c", caption="c"
    )
    assert table.columns[-1] == "no face found"
    anger, fear = table.rows
    assert [(cell.text, cell.detail) for cell in anger[1:]] == [
        ("50.0", "2"),
        ("25.0", "1"),
        ("25.0", "1"),
    ]
    assert [cell.is_error for cell in anger[1:]] == [False, True, True]
    assert [cell.text for cell in fear[1:]] == ["–", "–", "–"]


def test_damaged_results_make_no_table() -> None:
    for damaged in (
        {},
        {"leaks": 3, "accuracy_by_rule": []},
        {"leaks": {"counts": None}},
        {"leaks": []},
    ):
        assert leak_table(damaged) is None
        assert rule_table(damaged) is None


def test_leaks_that_were_not_looked_for_are_not_called_none() -> None:
    table = leak_table({"leaks": {"subjects": "not checkable", "counts": {"file": 2}}})
    assert table is not None
    assert [row[1].text for row in table.rows] == ["not checked (not checkable)", "2", "0"]

    unread = "near duplicates of 2 pictures that cannot be read, first 'a'"
    table = leak_table({"leaks": {"subjects": "checked", "counts": {}, "not_checked": [unread]}})
    assert table is not None
    assert [row[1].text for row in table.rows] == ["0", "0", "0; some could not be read"]


def test_what_was_left_out_stands_beside_what_was_found() -> None:
    results = {"leaks": {"subjects": "checked", "counts": {}, "num_excluded": 3}}
    excluded = [
        Exclusion(fold, name, kind, "")
        for fold, name, kind in ((0, "a", "file"), (1, "a", "file"), (0, "b", "near-duplicate"))
    ]
    table = leak_table(results, excluded)
    assert table is not None
    assert table.columns == ("Kind", "Found", "Left out of training")
    assert [[cell.text for cell in row[1:]] for row in table.rows] == [
        ["0", "0"],
        ["0", "1"],
        ["0", "1"],
        ["", "2"],
    ]
    assert table.caption.endswith("after training samples were left out")
    unlocked = leak_table(results)
    assert unlocked is not None
    assert unlocked.caption.endswith("after 3 training samples were left out")
