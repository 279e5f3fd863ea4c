"""A folder of any photographs to crops and a plain table, for pictures that no manifest knows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from fertools import __version__
from fertools.align.chunk_job import OnError, SourceRow
from fertools.align.job import AlignSummary, describe_recipe, run_chunks
from fertools.align.recipe import AlignConfig
from fertools.align.records import ROOMS
from fertools.align.table import COLUMNS
from fertools.errors import ConfigError, PictureError
from fertools.jobs import csv_text, hold_folder, write_text
from fertools.pictures import PICTURE_SUFFIXES

__all__ = ["POINT_NAMES", "align_folder"]

POINT_NAMES = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""The five points, as seen in the picture."""


def align_folder(
    folder: Path,
    out: Path,
    config: AlignConfig,
    *,
    workers: int = 1,
    on_error: OnError = "stop",
) -> AlignSummary:
    """Align every picture in a folder and below it.

    Pictures are turned first as their EXIF data ask for, as photographs from telephones need.

    Args:
        folder: It is searched with all folders in it, but for ``out``.
        out: Folder for ``images/``, ``records/`` and ``align.csv``: a line a picture with the
            columns of :data:`fertools.align.table.COLUMNS` and the five points in the crop.
        config: How; there are no annotations here.
        workers: Processes, of one thread each.
        on_error: ``stop`` at the first damaged picture, or ``skip``, which leaves it out and lists
            it.

    Returns:
        What was done; without a manifest.

    Raises:
        ConfigError: If only annotations are to be used, or ``out`` holds something else.
        PictureError: If there is no picture, or, where ``on_error`` is ``stop``, one is damaged.
        MissingExtraError: If the detector is not installed.
        OutputError: If a file cannot be written, or another process is writing in ``out``.
    """
    if config.source == "annotation":
        raise ConfigError(
            f"{folder}: is a folder of pictures, which have no annotation; leave out --source "
            "annotation, or give a manifest"
        )
    paths = _find_pictures(folder, out)
    if not paths:
        raise PictureError(
            f"{folder}: holds neither manifest.parquet nor a picture "
            f"({', '.join(PICTURE_SUFFIXES)})"
        )
    rows = _rows(folder, paths)
    stamps = [
        f"{r.image} {p.stat().st_size} {p.stat().st_mtime_ns}"
        for r, p in zip(rows, paths, strict=True)
    ]
    plan = {
        "input_digest": hashlib.sha256("\n".join(stamps).encode()).hexdigest(),
        "recipe": describe_recipe(config, needs_detector=True),
        "samples": len(rows),
        "tool_version": __version__,
    }
    with hold_folder(out, rooms=ROOMS):
        summary = run_chunks(
            rows,
            folder,
            out,
            config,
            plan,
            workers=workers,
            as_exif_says=True,
            on_error=on_error,
        )
        write_text(out / "align.csv", _as_csv(summary.rows))
    return summary


def _find_pictures(folder: Path, out: Path) -> list[Path]:
    """All pictures, sorted by path, but those that were made here."""
    inside = out.resolve()
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES
        and path.is_file()
        and inside not in path.resolve().parents
        and not path.name.startswith(".")
    )


def _rows(folder: Path, paths: Sequence[Path]) -> list[SourceRow]:
    """One a picture, named by its path without the ending, where that is enough to tell it."""
    names = [path.relative_to(folder) for path in paths]
    counts = Counter(name.with_suffix("") for name in names)
    return [
        SourceRow(
            (name.with_suffix("") if counts[name.with_suffix("")] == 1 else name).as_posix(),
            name.as_posix(),
        )
        for name in names
    ]


def _as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The table as text."""
    names = ("sample_id", "image", *COLUMNS)
    places = [f"{name}_{axis}" for name in POINT_NAMES for axis in "xy"]
    nowhere = [[None, None]] * len(POINT_NAMES)
    lines = (
        [*(row[name] for name in names), *chain.from_iterable(row["points"] or nowhere)]
        for row in rows
    )
    return csv_text([*names, *places], lines)
