"""What a manifest holds: classes by split and head pose, people, views, sizes and levels."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fertools.expressions import EXPRESSIONS
from fertools.jobs import csv_text
from fertools.manifest import COLUMNS, Manifest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UNKNOWN", "YAW_EDGES", "ClassRow", "Stats", "compute_stats", "stats_csv", "stats_json"]

UNKNOWN = "unknown"
"""The bin of samples whose pose, split or level the manifest does not say."""

YAW_EDGES = (0, 15, 30, 45, 60, 90)
"""Degrees, of the absolute angle; a bin holds its lower edge, and the last one its upper edge."""

_BINS = tuple(f"{low}-{high}" for low, high in pairwise(YAW_EDGES))
_BEYOND = ">90"
_ORDER = (*_BINS, _BEYOND, UNKNOWN)
_PLAIN = frozenset({*COLUMNS, "num_bytes"})  # how large a file is tells nothing of the set
_SPLITS = ("train", "val", "test", UNKNOWN)


@dataclass(frozen=True)
class ClassRow:
    """One expression.

    Attributes:
        expression: Canonical name.
        total: Its samples.
        by_split: Split to samples.
        by_yaw: Bin of the absolute yaw to samples.
        by_pitch: Bin of the absolute pitch to samples.
        by_intensity: Level to samples.
    """

    expression: str
    total: int
    by_split: dict[str, int]
    by_yaw: dict[str, int]
    by_pitch: dict[str, int]
    by_intensity: dict[str, int]


@dataclass(frozen=True)
class Stats:
    """What a manifest holds; the keys of all bins are those that occur, in their order.

    Attributes:
        dataset: Its name.
        synthetic: Whether the samples come from stand-ins.
        digest: Of the manifest.
        num_samples: Rows.
        num_subjects: Different people; None where the set has no ids.
        num_views: Different views; None where there are none.
        classes: In the order of :data:`fertools.expressions.EXPRESSIONS`.
        sum: The same over all classes.
        cells: Expression, split, yaw bin, pitch bin and the number of samples, where not 0.
        pose_sources: Where the angles come from, to samples.
        views: View to samples.
        sizes: ``width`` and ``height`` to least, median and greatest, pixels.
        num_sizes: Different pairs of width and height.
        own_columns: The set's own columns to the number of different values and of nulls.
    """

    dataset: str
    synthetic: bool
    digest: str
    num_samples: int
    num_subjects: int | None
    num_views: int | None
    classes: tuple[ClassRow, ...]
    sum: ClassRow
    cells: tuple[tuple[str, str, str, str, int], ...]
    pose_sources: dict[str, int]
    views: dict[str, int]
    sizes: dict[str, tuple[int, float, int]]
    num_sizes: int
    own_columns: dict[str, dict[str, int]]


def compute_stats(manifest: Manifest) -> Stats:
    """Count what a manifest holds."""
    frame = manifest.frame
    binned = _with_bins(frame)
    names = [name for name in EXPRESSIONS if (frame["expression"] == name).any()]
    keys = {column: _in_order(binned[column]) for column in ("split", "yaw", "pitch", "level")}
    cells = Counter(
        zip(binned["expression"], binned["split"], binned["yaw"], binned["pitch"], strict=True)
    )
    order = {name: place for place, name in enumerate((*EXPRESSIONS, *_SPLITS, *_ORDER))}
    return Stats(
        dataset=manifest.info.dataset,
        synthetic=manifest.info.synthetic,
        digest=manifest.info.digest,
        num_samples=len(frame),
        num_subjects=_num_values(frame["subject_id"]) or None,
        num_views=_num_values(frame["view_id"]) or None,
        classes=tuple(_row(name, binned[binned["expression"] == name], keys) for name in names),
        sum=_row("all", binned, keys),
        cells=tuple(
            (*cell, count)
            for cell, count in sorted(
                cells.items(), key=lambda item: [order[part] for part in item[0]]
            )
        ),
        pose_sources=_counts(frame["pose_source"].fillna(UNKNOWN)),
        views=_counts(frame["view_id"].dropna()),
        sizes={column: _spread(frame[column]) for column in ("width", "height")},
        num_sizes=len(frame[["width", "height"]].drop_duplicates()),
        own_columns={
            str(column): {
                "distinct": _num_values(frame[column]),
                "null": int(frame[column].isna().sum()),
            }
            for column in frame.columns
            if column not in _PLAIN
        },
    )


def stats_json(stats: Stats) -> dict[str, Any]:
    """The same as JSON values; ``cells`` as objects."""
    names = ("expression", "split", "yaw", "pitch", "num_samples")
    cells = [dict(zip(names, cell, strict=True)) for cell in stats.cells]
    return dataclasses.asdict(stats) | {"cells": cells}


def stats_csv(stats: Stats) -> str:
    """One line a cell of expression, split, yaw bin and pitch bin, with the set and its mark."""
    mark = str(stats.synthetic).lower()
    return csv_text(
        ("dataset", "synthetic", "expression", "split", "abs_yaw", "abs_pitch", "num_samples"),
        ((stats.dataset, mark, *cell) for cell in stats.cells),
    )


def _with_bins(frame: pd.DataFrame) -> pd.DataFrame:
    """Expression, split, bins of the angles and level of each sample, as strings."""
    import pandas as pd

    return pd.DataFrame(
        {
            "expression": frame["expression"].astype(str),
            "split": frame["split"].fillna(UNKNOWN).astype(str),
            "yaw": _bins(frame["yaw_deg"]),
            "pitch": _bins(frame["pitch_deg"]),
            "level": frame["intensity"].astype("string").fillna(UNKNOWN).astype(str),
        }
    )


def _bins(angles: pd.Series[float]) -> pd.Series[str]:
    """The bin of each absolute angle; thousandths of a degree are rounding."""
    import numpy as np
    import pandas as pd

    values = np.abs(np.round(angles.to_numpy(dtype=np.float64, na_value=np.nan), 3))
    places = np.clip(np.searchsorted(YAW_EDGES, values, side="right") - 1, 0, len(_BINS) - 1)
    places = np.where(values > YAW_EDGES[-1], len(_BINS), places)
    places = np.where(np.isnan(values), len(_BINS) + 1, places)
    return pd.Series(np.array(_ORDER, dtype=object)[places], index=angles.index, dtype=object)


def _in_order(column: pd.Series[str]) -> list[str]:
    """The keys that occur: splits and bins in their order, levels by number."""
    known = (*_SPLITS, *_BINS, _BEYOND)
    found = set(column)
    levels = sorted(found - set(known))
    return [
        *(key for key in known if key in found and key != UNKNOWN),
        *levels,
        *({UNKNOWN} & found),
    ]


def _row(name: str, part: pd.DataFrame, keys: Mapping[str, list[str]]) -> ClassRow:
    """One expression's samples by each key."""
    counts = {
        column: {key: int((part[column] == key).sum()) for key in wanted}
        for column, wanted in keys.items()
    }
    return ClassRow(
        expression=name,
        total=len(part),
        by_split=counts["split"],
        by_yaw=counts["yaw"],
        by_pitch=counts["pitch"],
        by_intensity=counts["level"],
    )


def _counts(column: pd.Series[str]) -> dict[str, int]:
    """Value to number of rows, sorted by value."""
    return {str(value): int(n) for value, n in column.value_counts().sort_index().items()}


def _num_values(column: pd.Series[Any]) -> int:
    """Different values, nulls left out; lists count by what they hold."""
    try:
        return int(column.nunique())
    except TypeError:
        return int(column.dropna().map(repr).nunique())


def _spread(column: pd.Series[int]) -> tuple[int, float, int]:
    """Least, median and greatest."""
    return int(column.min()), float(column.median()), int(column.max())
