"""Predictions that may be shared: scores without names, labels, people or poses.

Samples bear the names of :mod:`fertools.protocols.public`, which only those who hold the set can
make. They join names, labels and people again and get every figure.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fertools.errors import OutputError, PredictionsError
from fertools.jobs import atomic_path
from fertools.metrics.membership import check_membership
from fertools.metrics.prediction_info import PredictionsInfo, info_from_values
from fertools.metrics.predictions import make_predictions, write_predictions
from fertools.metrics.tables import read_tables
from fertools.protocols import write_lock
from fertools.protocols.public import pseudonyms, write_public
from fertools.regular_files import open_for_arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from fertools.metrics.predictions import Predictions
    from fertools.protocols import Lock, Pool

__all__ = ["restore_predictions", "share_predictions", "share_run"]

_KEY = b"fertools.public-predictions"
_HIDDEN = ["label", "expression", "subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity"]
_KNOWN_AGAIN = ("subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity", "expression")


def share_predictions(path: Path, tables: Sequence[Predictions], lock: Lock, pool: Pool) -> None:
    """Write predictions without names, labels, people, views and poses.

    Args:
        path: The parquet file.
        tables: Of one run, made under the lock.
        lock: The folds.
        pool: Their samples.

    Raises:
        PredictionsError: If there is no table, or one was made under another lock, or on samples
            that were not as locked.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not tables:
        raise PredictionsError(f"{path}: there are no predictions to share")
    for table in tables:
        if table.info.lock_digest != lock.digest:
            raise PredictionsError(
                f"{table.path}: was made under the lock {table.info.lock_digest[:12]!r}, this is "
                f"{lock.digest[:12]!r}; give the run's own lock"
            )
        if table.info.mismatch:
            raise PredictionsError(
                f"{table.path}: was made on samples that are not as locked "
                f"({table.info.mismatch[0]}); evaluate on those that are"
            )
    hidden = pseudonyms(lock, pool)
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    frame["sample_id"] = frame["sample_id"].map(hidden.names)
    frame = frame.drop(columns=_HIDDEN).sort_values(["fold", "sample_id"], ignore_index=True)
    facts = json.dumps(asdict(tables[0].info), sort_keys=True).encode()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with atomic_path(path) as temporary:
        pq.write_table(table.replace_schema_metadata({_KEY: facts}), temporary, compression="zstd")


def share_run(run: Path, lock: Lock, pool: Pool, out: Path) -> tuple[Path, Path]:
    """Write the predictions of a run, and its lock, so that they may be shared.

    Args:
        run: Its folder, or a table.
        lock: What it was made under.
        pool: The samples.
        out: The folder of the two files.

    Returns:
        The predictions and the lock.

    Raises:
        PredictionsError: See :func:`share_predictions` and :func:`fertools.metrics.read_tables`.
    """
    predictions, shared = out / "predictions.public.parquet", out / "lock.public.json"
    share_predictions(predictions, read_tables(run), lock, pool)
    write_public(shared, lock, pool)
    return predictions, shared


def restore_predictions(out: Path, shared: Path, lock: Lock, pool: Pool) -> Path:
    """Give shared predictions their names and labels again.

    Args:
        out: The folder to write: ``fold*/predictions.parquet`` and the lock that they are under.
        shared: A file of :func:`share_predictions`.
        lock: One's own lock: it must have the digest of the one that they were made under, which
            it has if protocol, samples, labels, recipe and source files are the same.
        pool: Its samples.

    Returns:
        ``out``.

    Raises:
        PredictionsError: If the file is damaged or none, was made under another lock, or is not of
            the lock's test samples, fold by fold.
        OutputError: If the folder holds anything else, or cannot be written.
    """
    frame, info = _read_shared(shared)
    said = (info.lock_digest, info.protocol, info.classes, info.synthetic)
    if said != (lock.digest, lock.protocol, lock.classes, lock.synthetic):
        raise PredictionsError(
            f"{shared}: was made under the lock {info.lock_digest[:12]!r} of {info.protocol!r}, "
            f"this one is {lock.digest[:12]!r} of {lock.protocol!r}; 'fertools protocols agree' "
            "tells in what the two differ"
        )
    names = {hidden: name for name, hidden in pseudonyms(lock, pool).names.items()}
    unknown = ~frame["sample_id"].isin(names)
    if unknown.any():
        raise PredictionsError(
            f"{shared}: {int(unknown.sum()):,} of {len(frame):,} samples are none of the lock's; "
            "the file was changed"
        )
    frame["sample_id"] = frame["sample_id"].map(names)
    frame["label"] = frame["sample_id"].map(lock.labels)
    about = pool.frame.loc[frame["sample_id"]]
    for column in _KNOWN_AGAIN:
        frame[column] = about[column].array
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: is there and is not empty; give another --out")
    table = make_predictions(frame, info, shared)  # nothing is written before all is checked
    check_membership([table], lock)
    for fold, rows in table.frame.groupby("fold"):
        write_predictions(out / f"fold{fold}" / "predictions.parquet", rows, info)
    write_lock(out / "protocol.lock.json", lock)
    return out


def _read_shared(path: Path) -> tuple[pd.DataFrame, PredictionsInfo]:
    """Rows and facts."""
    import pyarrow.parquet as pq

    try:
        with open_for_arrow(path) as stream:
            table = pq.read_table(stream)
        facts = dict(json.loads((table.schema.metadata or {})[_KEY]))
        frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
        if "sample_id" not in frame or set(frame.columns) & {"label", "expression"}:
            raise ValueError("other columns")
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise PredictionsError(f"{path}: is no table of shared predictions, or damaged") from error
    return frame, info_from_values(facts, path)
