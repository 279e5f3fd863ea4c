"""A split's folder: whole or not at all, the same bytes from the same input.

The manifest is removed first and written last: a folder that has one is complete.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.errors import ManifestError, OutputError
from fertools.formats.ran_lists import (
    CLASS_CODES,
    PUBLISHED_LISTS,
    PublishedList,
    format_labels,
    format_list,
)
from fertools.geometry import FloatArray
from fertools.jobs import hold_folder, remove_partials, write_bytes
from fertools.manifest import Manifest, write_manifest
from fertools.pose.rules import PoseRule
from fertools.pose.split import CATEGORIES, Cut, Split, count_classes
from fertools.regular_files import open_regular

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from fertools.pose.compare import Comparison

__all__ = [
    "check_out",
    "describe_poses",
    "public_counterpart",
    "short_summary",
    "summary_table",
    "table_csv",
    "write_split",
]

_MANIFEST = "manifest.parquet"
_MARK, _MARK_HEAD = "summary.csv", b"dataset,synthetic,expression,evaluated,"
_FILES = (  # the mark is the first, so that a folder half written is known again
    _MARK,
    "README.md",
    "angles.csv",
    "angles.png",
    "compare.csv",
    "label.txt",
    "list.txt",
    "missing.txt",
    "unsure.csv",
)
_SLICE = 65_536  # rows of a CSV that are in memory as text
_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")


def write_split(
    split: Split, out: Path, *, readme: str, comparison: Comparison | None = None
) -> Manifest:
    """Write a split's folder.

    Args:
        split: What was decided.
        out: Made if need be; what an earlier split wrote there is replaced.
        readme: The text of ``README.md``.
        comparison: Is written as ``compare.csv``.

    Returns:
        The split's manifest.

    Raises:
        OutputError: If the folder is something else's, another process is writing in it, or a
            file cannot be written.
        ManifestError: If the split is empty, or no picture has a pose.
    """
    check_out(out)
    rows = _manifest_rows(split)
    if (split.table["category"] == "no pose").all():
        raise ManifestError(
            f"{out}: no picture has a pose, nothing is written{_commonest_reason(split)}"
        )
    if rows.empty:
        raise ManifestError(
            f"{out}: no picture is in the split, nothing is written{_commonest_reason(split)}"
        )
    files = _contents(split, readme, comparison)
    with hold_folder(out):
        remove_partials(out, below=False)
        (out / _MANIFEST).unlink(missing_ok=True)
        for name in _FILES:
            if name in files:
                write_bytes(out / name, files[name])
            else:
                (out / name).unlink(missing_ok=True)
        return write_manifest(
            out / _MANIFEST,
            rows,
            dataset=split.manifest.info.dataset,
            synthetic=split.manifest.info.synthetic,
            config=_config(split),
            root=split.manifest.root,
        )


def _commonest_reason(split: Split) -> str:
    """Why pictures have no pose, where most have none."""
    if "reason" not in split.table:
        return ""
    reasons = split.table["reason"].dropna()
    if len(reasons) * 2 <= len(split.table):
        return ""
    words, number = reasons.value_counts().index[0], int(reasons.value_counts().iloc[0])
    hint = ""
    if split.manifest.info.dataset == "rafdb":
        hint = "; RAF-DB's originals are test_0001.jpg, its aligned ones test_0001_aligned.jpg: "
        hint += "--images original or aligned says which are looked at"
    return f"; {number:,} of {len(split.table):,} have no pose: {words}{hint}"


def public_counterpart(split: Split) -> PublishedList | None:
    """The public list that was cut by the same rule; None where none was."""
    if split.cut is None:
        return None
    rule = split.cut.rule
    yaw, pitch = rule.limits
    if yaw != pitch or rule.convention != PoseRule.convention:
        return None
    dataset = split.manifest.info.dataset
    return next((p for p in PUBLISHED_LISTS if (p.dataset, p.threshold) == (dataset, yaw)), None)


def summary_table(split: Split) -> pd.DataFrame:
    """Counts a class, with the lines of the public list where there is one by the same rule."""
    counts = count_classes(split)
    public = public_counterpart(split)
    if public is not None:
        codes = {name: code for code, name in CLASS_CODES[public.dataset].items()}
        lines = [public.by_class[codes[name]] for name in counts["expression"].iloc[:-1]]
        counts["public_list"] = [*lines, sum(lines)]
    return counts


def short_summary(split: Split) -> pd.DataFrame:
    """The summary as narrow as a terminal: what was undecided in one column."""
    counts = summary_table(split)
    if split.cut is not None:
        counts.insert(2, "undecided", counts["no_pose"] + counts["low_confidence"])
    wide = ("large", "not_large", "no_pose", "low_confidence", "correct")
    return counts.drop(columns=[name for name in wide if name in counts])


def table_csv(table: pd.DataFrame, *, digits: int = 3) -> bytes:
    """A table as CSV: NaN and null as nothing, lines end in LF.

    Numbers have up to some digits, those of single precision all, since a category hangs on them.
    """
    head = ",".join(str(name) for name in table.columns) + "\n"
    starts = range(0, len(table), _SLICE)
    return head.encode() + b"".join(_lines(table[n : n + _SLICE], digits) for n in starts)


def describe_poses(cut: Cut) -> str:
    """Estimator and version of the poses, as a manifest's ``pose_source``."""
    name, version = cut.poses.estimator, cut.poses.version
    words = version if version.startswith(name) else f"{name} {version}"
    return f"{words}, {cut.pictures}" if cut.pictures else words


def check_out(out: Path, *, inputs: Sequence[Path] = ()) -> None:
    """Refuse a folder that is neither empty nor a split's, which its summary.csv tells.

    What other commands left beside a split, such as a lock or what ``verify`` found, may stay.

    Args:
        out: The folder.
        inputs: Files or folders that are read: none may be it, or lie in it.

    Raises:
        OutputError: If it is something else, or one of the inputs lies in it.
    """
    if not out.exists():
        return
    other = "choose another folder with --out"
    if not out.is_dir():
        raise OutputError(f"{out}: is no folder; {other}")
    for path in inputs:
        if out.resolve() in (path.resolve(), path.resolve().parent):
            raise OutputError(f"{path}: is read, and lies in the folder that is written; {other}")
    names = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    if names and not _is_marked(out):
        raise OutputError(
            f"{out}: holds {names[0]!r} and is no split's folder, so it is not ours to write into; "
            f"{other}"
        )


def _is_marked(out: Path) -> bool:
    """Whether a folder's summary is a split's."""
    try:
        with open_regular(out / _MARK) as stream:
            return stream.read(len(_MARK_HEAD)) == _MARK_HEAD
    except OSError:
        return False


def _contents(split: Split, readme: str, comparison: Comparison | None) -> dict[str, bytes]:
    """File name to bytes, but for the manifest."""
    info = split.manifest.info
    table = split.table
    ids, names = split.listing()
    summary = summary_table(split)
    summary.insert(0, "dataset", info.dataset)
    summary.insert(1, "synthetic", str(info.synthetic).lower())
    files = {
        "README.md": readme.encode(),
        "list.txt": format_list(info.dataset, ids, names).encode(),
        _MARK: table_csv(summary, digits=4),
    }
    if info.dataset == "rafdb":
        files["label.txt"] = format_labels(info.dataset, names, num_classes=7).encode()
    if split.listed is not None and split.listed.missing:
        files["missing.txt"] = "".join(f"{name}\n" for name in split.listed.missing).encode()
    if comparison is not None:
        files["compare.csv"] = table_csv(comparison.disagreements)
    if split.cut is not None:
        from fertools.pose.split_figure import split_png

        columns = ["sample_id", "expression", "yaw", "pitch", "roll", "margin", "confidence"]
        angles = table[[*columns, "category", "reason"]]
        files["angles.csv"] = table_csv(angles)
        files["unsure.csv"] = table_csv(angles[angles["category"].isin(CATEGORIES[2:])])
        files["angles.png"] = split_png(split)
    return files


def _lines(table: pd.DataFrame, digits: int) -> bytes:
    """Rows as lines, joined without a Python string for each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pc.binary_join_element_wise(*(_words(table[name], digits) for name in table), ",")
    whole: str = pc.binary_join(pa.ListArray.from_arrays([0, len(rows)], rows), "\n")[0].as_py()
    return f"{whole}\n".encode()


def _words(column: pd.Series[Any], digits: int) -> pa.Array:
    """A column's cells as they stand in a CSV; half a million of them take no time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.dtype == np.float32:  # as many digits as tell it from its neighbours
        return pc.fill_null(pa.array(column.to_numpy(), from_pandas=True).cast(pa.string()), "")
    if column.dtype.kind == "f":
        values = np.round(column.to_numpy(dtype=np.float64), digits) + 0.0  # no -0
        return pc.fill_null(pa.array(values, from_pandas=True).cast(pa.string()), "")
    found = pa.array(column, from_pandas=True)
    if isinstance(found, pa.ChunkedArray):  # as pandas' strings are kept
        found = found.combine_chunks()
    words = found.cast(pa.string())
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(words, '"', '""'), '"', "")
    needs_quotes = pc.match_substring_regex(words, '[",\r\n]')
    return pc.fill_null(pc.if_else(needs_quotes, quoted, words), "")


def _manifest_rows(split: Split) -> pd.DataFrame:
    """The chosen rows of the set's manifest, with the pose that they were chosen by."""
    selected = split.table["selected"].to_numpy(dtype=bool)
    rows = split.manifest.frame[selected].copy()
    rows["pose_category"] = split.table.loc[selected, "category"].to_numpy()
    if split.cut is None or split.own_angles is None:
        times = Counter(split.listing()[0])
        rows["times_listed"] = np.array(
            [times[name] for name in rows["sample_id"].tolist()], dtype=np.int32
        )
        return rows
    if split.true_angles is not None and split.has_truth:
        _put_angles(rows, "true_", split.true_angles[selected])
    _put_angles(rows, "", split.own_angles[selected])
    rows["pose_confidence"] = _as_float32(split.table.loc[selected, "confidence"].to_numpy())
    rows["pose_source"] = (
        rows["yaw_deg"].notna().map({True: describe_poses(split.cut), False: None})
    )
    return rows


def _config(split: Split) -> dict[str, Any]:
    """What made the split, for the manifest's metadata."""
    config: dict[str, Any] = {
        "make": "pose-split",
        "source_digest": split.manifest.info.digest,
        "num_classes": split.num_classes,
    }
    if split.cut is not None:
        cut = split.cut
        yaw, pitch = cut.rule.limits
        config |= {
            "rule": cut.rule.rule,
            "min_yaw": yaw if math.isfinite(yaw) else None,
            "min_pitch": pitch if math.isfinite(pitch) else None,
            "angle_convention": cut.rule.convention,
            "estimator": cut.poses.estimator,
            "calibration": None
            if cut.calibration is None
            else cut.calibration.model_dump(mode="json"),
            "estimator_version": cut.poses.version,
            "pictures": cut.pictures,
            "min_confidence": cut.min_confidence,
            "unsure": cut.unsure,
        }
    if split.listed is not None:
        source = split.listed.source
        config |= {
            "list": source.path.name,
            "list_sha256": source.sha256,
            "num_missing": len(split.listed.missing),
        }
    return config


def _put_angles(rows: pd.DataFrame, prefix: str, angles: FloatArray) -> None:
    """Yaw, pitch and roll as a manifest's columns."""
    for place, name in enumerate(_ANGLES):
        rows[f"{prefix}{name}"] = _as_float32(angles[:, place])


def _as_float32(values: FloatArray) -> Any:
    """NaN as null."""
    import pandas as pd

    return pd.array(values.astype(np.float32), dtype="Float32")
