"""One data set's folder to ``manifest.parquet``, ``landmarks.parquet``, ``index.yaml``."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel

from fertools import __version__
from fertools.errors import DatasetError, OutputError
from fertools.formats.registry import Dataset, Fault, Opened
from fertools.home import DatasetRoot, describe_root
from fertools.index.counts import CountDifference, compare_counts
from fertools.index.measure import FOLDER, measure_files
from fertools.index.table import ReadRows, keep_landmarks, read_rows
from fertools.index.truth import TRUTH, add_true_pose
from fertools.jobs import hold_folder, write_text
from fertools.manifest import Manifest, write_manifest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["IndexSummary", "index_dataset"]

_OURS = {FOLDER, "manifest.parquet", "faults.txt", "index.yaml"}


@dataclass(frozen=True)
class IndexSummary:
    """What an index came to.

    Attributes:
        manifest: The samples.
        layout: Which layout was found, in words.
        faults: What cannot be used, all of it listed in ``faults.txt`` as well.
        notes: Reason to count of what is worth saying.
        differences: Where the counts are not the published ones; empty for stand-ins, whose counts
            are their own.
    """

    manifest: Manifest
    layout: str
    faults: tuple[Fault, ...]
    notes: dict[str, int]
    differences: tuple[CountDifference, ...]


def index_dataset(
    dataset: Dataset,
    root: DatasetRoot,
    out: Path,
    options: BaseModel,
    *,
    workers: int = 1,
    on_error: Literal["stop", "skip"] = "stop",
    strict: bool = False,
    fresh: bool = False,
    exclude: Collection[str] = (),
) -> IndexSummary:
    """Read a data set's layout, measure every picture's file, and write the manifest.

    Args:
        dataset: A registered data set.
        root: Its folder.
        out: Folder for ``manifest.parquet``, ``landmarks.parquet`` (where the set has landmarks),
            ``index.yaml``, ``faults.txt`` and the kept measures.
        options: What of the set is taken.
        workers: Processes that read files.
        on_error: ``stop`` where something cannot be used (after all of it was looked for), or
            ``skip``, which leaves it out and lists it.
        strict: An error where a count is not the published one.
        fresh: Read all files anew.
        exclude: Samples and subjects that are not to be in the manifest, by their ids.

    Returns:
        The manifest, and what is to be said about it.

    Raises:
        DatasetError: If the folder is none of the set's layouts, has faults and ``on_error`` is
            ``stop``, or has other counts and ``strict`` is set.
        OutputError: If a file cannot be written, or another process is writing in ``out``.
    """
    _check_out(out)
    opened = dataset.open(root.path, options)
    with hold_folder(out, rooms=(FOLDER,)), _scratch_file(out) as landmarks:
        read = read_rows(opened.rows, landmarks)
        faults = list(read.faults)
        _stop_at_faults(root, out, faults, on_error)
        if not read.batches:
            raise DatasetError(
                f"{root.path}: no sample that can be used; see {out / 'faults.txt'}"
                if faults
                else f"{root.path}: holds no sample"
            )
        if not root.synthetic:
            root = _find_marker(root, opened.base, read)
        table = _measured(read, opened, out, workers, fresh, faults)
        _stop_at_faults(root, out, faults, on_error)
        frame = _frame(table, dataset, root)
        del table
        frame = _exclude(root, frame, exclude, read)
        if root.marker is not None:
            frame = add_true_pose(frame, root.marker.parent)
        differences = () if root.synthetic else compare_counts(dataset, options, frame)
        if strict and differences:
            more = f" (and {len(differences) - 1} more counts)" if len(differences) > 1 else ""
            raise DatasetError(f"{root.path}: {differences[0]}{more}; or leave out --strict")
        config = {
            "index": dataset.name,
            "layout": opened.layout,
            "excluded": sorted(exclude),
            **options.model_dump(mode="json"),
        }
        for stale in ("manifest.parquet", "index.yaml"):  # what follows is one whole, or nothing
            (out / stale).unlink(missing_ok=True)
        if read.num_landmarks:
            keep_landmarks(landmarks, out / "landmarks.parquet", frame["sample_id"])
        else:
            (out / "landmarks.parquet").unlink(missing_ok=True)
        _write_chosen(out / "chosen.txt", root.dataset, frame)
        manifest = write_manifest(
            out / "manifest.parquet",
            frame,
            dataset=root.dataset,
            synthetic=root.synthetic,
            config=config,
            root=opened.base,
        )
    summary = IndexSummary(manifest, opened.layout, tuple(faults), dict(read.notes), differences)
    write_text(out / "index.yaml", _describe(summary, read))
    return summary


def _exclude(
    root: DatasetRoot, frame: pd.DataFrame, exclude: Collection[str], read: ReadRows
) -> pd.DataFrame:
    """The rows without the samples and subjects that the user names; each name must be one."""
    if not exclude:
        return frame
    named = set(exclude)
    known = named & (set(frame["sample_id"]) | set(frame["subject_id"].dropna()))
    if unknown := sorted(named - known):
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise DatasetError(
            f"{root.path}: --exclude-list names {unknown[0]!r}{more}, which is no sample or "
            "subject that would be taken; expected a sample_id or subject_id a line"
        )
    is_named = frame["sample_id"].isin(named) | frame["subject_id"].isin(named)
    read.notes["left out by --exclude-list"] += int(is_named.sum())
    return frame[~is_named].reset_index(drop=True)


def _check_out(out: Path) -> None:
    """Refuse a folder that holds something else, such as the data set itself."""
    if not out.is_dir():
        return
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    if names and not names & _OURS:
        raise OutputError(
            f"{out}: holds {min(names)!r} and nothing of an index, so it is not ours to write "
            "into; choose another folder with --out"
        )


def _find_marker(root: DatasetRoot, base: Path, read: ReadRows) -> DatasetRoot:
    """The root as a stand-in's, if any folder between it and the pictures says so."""
    folders = {
        image.rpartition("/")[0] for batch in read.batches for image in batch["image"].to_pylist()
    }
    real = {(base / folder).resolve() for folder in folders}  # links may lead into a stand-in
    places = {parent for folder in real for parent in (folder, *folder.parents)}
    for place in sorted(places):
        if os.path.lexists(place / "SYNTHETIC.json"):
            return describe_root(root.dataset, place)
        if (place / TRUTH).exists():
            raise DatasetError(
                f"{place}: has {TRUTH}, as stand-ins do, but no SYNTHETIC.json; put it back, or "
                f"make the stand-in again with 'fertools synth {root.dataset}'"
            )
    return root


@contextmanager
def _scratch_file(out: Path) -> Iterator[Path]:
    """A file that is gone at the end, or when the next process finds it."""
    path = out / ".partial-landmarks.parquet"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _measured(
    read: ReadRows,
    opened: Opened,
    out: Path,
    workers: int,
    fresh: bool,
    faults: list[Fault],
) -> pa.Table:
    """The samples whose files are pictures, with what the files are; the others become faults."""
    import pyarrow.compute as pc

    table = read.table()
    read.batches.clear()  # the table holds them now
    images = table.column("image").to_pylist()
    measured = measure_files(opened.base, images, out / FOLDER, workers=workers, fresh=fresh)
    errors = measured.column("error")
    if errors.null_count < len(errors):
        bad = zip(images, errors.to_pylist(), strict=True)
        faults += [Fault(image, error) for image, error in bad if error is not None]
    for name in ("num_bytes", "sha256", "width", "height"):
        table = table.append_column(name, measured.column(name))
    return table.filter(pc.is_null(errors))


def _frame(table: pa.Table, dataset: Dataset, root: DatasetRoot) -> pd.DataFrame:
    """A manifest's rows."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas(types_mapper=_mapper())
    unknown = sorted(set(frame["expression"]) - set(dataset.expressions))
    if unknown:
        raise ValueError(f"the reader of {dataset.name} made expressions {unknown}")
    frame["dataset"] = pd.Series([root.dataset] * len(frame), dtype="string")
    return frame


def _mapper() -> Any:
    """Arrow types to pandas' nullable ones."""
    import pandas as pd
    import pyarrow as pa

    return {
        pa.string(): pd.StringDtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.null(): pd.StringDtype(),
    }.get


def _stop_at_faults(
    root: DatasetRoot, out: Path, faults: list[Fault], on_error: Literal["stop", "skip"]
) -> None:
    """List the faults in a file; end here where they are not to be left out."""
    path = out / "faults.txt"
    if not faults:
        path.unlink(missing_ok=True)
        return
    write_text(path, "".join(f"{' '.join(str(fault).split())}\n" for fault in faults))
    if on_error == "stop":
        more = f" (and {len(faults) - 1:,} more, listed in {path})" if len(faults) > 1 else ""
        raise DatasetError(
            f"{root.path}: {faults[0]}{more}; or leave such files out with --on-error skip"
        )


def _write_chosen(path: Path, dataset: str, frame: pd.DataFrame) -> None:
    """The subjects that were taken, where the set has subjects: a list to give to others."""
    subjects = sorted(frame["subject_id"].dropna().unique())
    if subjects:
        head = f"# {len(subjects)} subjects of {dataset}, by fertools {__version__}\n"
        write_text(path, head + "".join(f"{subject}\n" for subject in subjects))
    else:
        path.unlink(missing_ok=True)


def _describe(summary: IndexSummary, read: ReadRows) -> str:
    """``index.yaml``: what was found, how it was read, what differs."""
    manifest = summary.manifest
    frame = manifest.frame
    split = frame["split"].fillna("all")
    by_class = (split + ", " + frame["expression"]).value_counts().sort_index()
    values = {
        "tool": f"fertools {__version__}",
        "dataset": manifest.info.dataset,
        "synthetic": manifest.info.synthetic,
        "layout": summary.layout,
        "config": manifest.info.config,
        "samples": len(frame),
        "samples_with_landmarks": read.num_landmarks,
        "subjects": sorted(frame["subject_id"].dropna().unique().tolist()),
        "by_split_and_expression": {str(name): int(n) for name, n in by_class.items()},
        "differences": [str(difference) for difference in summary.differences],
        "notes": summary.notes,
        "num_faults": len(summary.faults),
        "manifest_digest": manifest.info.digest,
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
