from __future__ import annotations

from typing import Any

import pytest

from fertools.report.tables import confusion_table, view_expression_table, view_names


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
    ("poses", "names"),
    [
        ([(0.0, 0.0), (-45.0, 0.0)], ["0°", "−45°"]),
        ([(0.0, 0.0), (0.0, -15.0)], ["0°, 0°", "0°, −15°"]),
        ([(12.4, 0.0), (30.0, 0.0)], ["v0", "v1"]),
        ([(None, None), (30.0, 0.0)], ["v0", "v1"]),
        ([(30.0, 0.0), (30.0, 0.0)], ["v0", "v1"]),
    ],
)
def test_a_view_is_headed_by_its_angle_where_that_tells_it_apart(
    poses: list[tuple[float | None, float | None]], names: list[str]
) -> None:
    assert list(view_names(_summary(poses)).values()) == names


def test_few_views_are_columns_and_many_are_rows() -> None:
    few = view_expression_table(_summary([(0.0, 0.0), (30.0, 0.0)]))
    assert few.columns == ("Expression", "0°", "30°", "Average")
    assert [cell.text for cell in few.rows[0]] == ["anger", "25.0", "25.0", "25.0"]
    assert [cell.text for cell in few.rows[1]] == ["fear", "–", "–", "–"]
    many = view_expression_table(_summary([(float(yaw), 0.0) for yaw in range(0, 90, 5)]))
    assert many.columns == ("View", "anger", "fear", "Average")
    assert len(many.rows) == 18


def test_confusions_are_shares_of_their_row_with_lost_faces_in_it() -> None:
    table = confusion_table(
        {
            "classes": ["anger", "fear"],
            "confusion": {"counts": [[2, 1], [0, 0]], "not_found": [1, 0]},
        }
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
