from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from fertools.manifest import Manifest, write_manifest
from fertools.report.stats_figure import stats_png, write_stats
from fertools.stats import UNKNOWN, compute_stats, stats_csv, stats_json


def manifest_of(path: Path, rows: list[dict[str, Any]], *, synthetic: bool = False) -> Manifest:
    fixed = {"dataset": "rafdb", "width": 10, "height": 20, "sha256": "0" * 64}
    complete = [
        {"sample_id": f"s{i}", "image": f"{i}.png", "expression": "anger", **fixed, **row}
        for i, row in enumerate(rows)
    ]
    frame = pd.DataFrame(complete)
    return write_manifest(
        path / "manifest.parquet", frame, dataset="rafdb", synthetic=synthetic, config={}
    )


def test_a_bin_holds_its_lower_edge(tmp_path: Path) -> None:
    yaws = [0, -14.99, 15, 30, -30, 44.9, 45, 60, 90, -90, 90.5, None]
    rows = [{"yaw_deg": yaw, "pitch_deg": None} for yaw in yaws]
    stats = compute_stats(manifest_of(tmp_path, rows))
    assert stats.sum.by_yaw == {
        "0-15": 2,
        "15-30": 1,
        "30-45": 3,
        "45-60": 1,
        "60-90": 3,
        ">90": 1,
        UNKNOWN: 1,
    }
    assert stats.sum.by_pitch == {UNKNOWN: 12}


def test_an_angle_that_rounding_moved_stays_in_its_bin(tmp_path: Path) -> None:
    stats = compute_stats(manifest_of(tmp_path, [{"yaw_deg": 29.99999}, {"yaw_deg": 30.00001}]))
    assert stats.sum.by_yaw == {"30-45": 2}


def test_the_cells_sum_to_the_table(tmp_path: Path) -> None:
    names, splits = ("anger", "neutral", "fear"), ("train", "test", None)
    rows = [
        {
            "expression": names[i % 3],
            "split": splits[i % 5 % 3],
            "yaw_deg": None if i % 7 == 0 else 11.0 * (i % 8),
            "pitch_deg": -float(i % 50),
        }
        for i in range(100)
    ]
    stats = compute_stats(manifest_of(tmp_path, rows))
    assert [row.expression for row in stats.classes] == ["anger", "fear", "neutral"]
    assert sum(row.total for row in stats.classes) == stats.num_samples == 100
    for row in stats.classes:
        mine = [cell for cell in stats.cells if cell[0] == row.expression]
        for place, counts in ((1, row.by_split), (2, row.by_yaw), (3, row.by_pitch)):
            for key, count in counts.items():
                assert sum(cell[4] for cell in mine if cell[place] == key) == count
    assert list(stats.sum.by_split) == ["train", "test", UNKNOWN]


def test_people_views_sizes_levels_and_own_columns(tmp_path: Path) -> None:
    rows = [
        {
            "subject_id": f"F{i // 2}",
            "view_id": f"v{i % 2}",
            "width": 10 + i,
            "intensity": 1 + i % 2,
            "pose_source": "camera" if i else None,
            "camera": f"c{i}",
            "sex": "female" if i < 2 else None,
            "num_bytes": 100 + i,
        }
        for i in range(4)
    ]
    stats = compute_stats(manifest_of(tmp_path, rows, synthetic=True))
    assert (stats.num_subjects, stats.num_views, stats.synthetic) == (2, 2, True)
    assert stats.sizes == {"width": (10, 11.5, 13), "height": (20, 20.0, 20)}
    assert stats.num_sizes == 4
    assert stats.sum.by_intensity == {"1": 2, "2": 2}
    assert stats.pose_sources == {"camera": 3, UNKNOWN: 1}
    assert stats.own_columns == {
        "camera": {"distinct": 4, "null": 0},
        "sex": {"distinct": 1, "null": 2},
    }


def test_a_set_without_people_or_views_says_none(tmp_path: Path) -> None:
    stats = compute_stats(manifest_of(tmp_path, [{}]))
    assert stats.num_subjects is None
    assert stats.num_views is None


def test_csv_and_json_say_the_same(tmp_path: Path) -> None:
    rows = [{"yaw_deg": 40.0, "pitch_deg": 1.0, "split": "train"}, {"expression": "fear"}]
    stats = compute_stats(manifest_of(tmp_path, rows, synthetic=True))
    written = list(csv.DictReader(io.StringIO(stats_csv(stats))))
    said = json.loads(json.dumps(stats_json(stats)))
    assert [int(row["num_samples"]) for row in written] == [1, 1]
    assert {row["synthetic"] for row in written} == {"true"}
    pairs = [(row["expression"], row["abs_yaw"]) for row in written]
    assert pairs == [(cell["expression"], cell["yaw"]) for cell in said["cells"]]
    assert pairs == [("anger", "30-45"), ("fear", "unknown")]


@pytest.mark.parametrize(
    "angles",
    [
        [(None, None)] * 3,
        [(30.0, None), (None, None)],
        [(30.0, 0.0), (45.0, 0.0)],
        [(15.0 * i - 45, 10.0 * j) for i in range(7) for j in range(3)],
        [(i * 0.7 - 95, (i * 37 % 170) - 85.0) for i in range(270)],
    ],
)
def test_a_figure_is_drawn_of_whatever_poses_there_are(
    angles: list[tuple[float | None, float | None]], tmp_path: Path
) -> None:
    rows = [{"yaw_deg": yaw, "pitch_deg": pitch} for yaw, pitch in angles]
    manifest = manifest_of(tmp_path, rows)
    stats = compute_stats(manifest)
    assert stats_png(manifest, stats) == stats_png(manifest, stats)
    with Image.open(write_stats(manifest, stats, tmp_path / "out")) as picture:
        assert picture.size == (840 if angles[0][0] is None else 1560, 690)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "stats.csv",
        "stats.json",
        "stats.png",
    }
