"""What the data home holds: data sets, manifests made from them, and how many samples each has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import FertoolsError
from fertools.formats.bu3dfe_files import find_scans
from fertools.home import LICENCES, DatasetRoot, data_home, find_dataset
from fertools.manifest import read_manifest

__all__ = ["Found", "list_found"]

_COUNTED = ("subjects", "pictures", "scans", "samples")
_NUM_SCANS = 2500


@dataclass(frozen=True)
class Found:
    """A data set or a manifest.

    Attributes:
        name: The data set, or the folder in ``derived``.
        path: Where it is; None where it was not found.
        synthetic: Whether it is a stand-in, or made from one; None where that is not known.
        what: What is there and how much of it, or why it cannot be used.
    """

    name: str
    path: str | None
    synthetic: bool | None
    what: str


def list_found() -> Iterator[Found]:
    """Look for every data set, then for manifests in ``derived``; nothing is an error here."""
    for name in LICENCES:
        try:
            root = find_dataset(name)
        except FertoolsError as error:
            yield Found(name, None, None, str(error))
            continue
        kind = "stand-in (synthetic)" if root.synthetic else "taken as licensed"
        yield Found(name, str(root.path), root.synthetic, f"{kind}: {_count(root)}")
    for path in sorted(data_home().glob("derived/*/manifest.parquet")):
        try:
            manifest = read_manifest(path)
        except FertoolsError as error:
            yield Found(path.parent.name, str(path), None, str(error))
            continue
        mark = ", synthetic" if manifest.info.synthetic else ""
        what = f"{len(manifest.frame):,} samples of {manifest.info.dataset}{mark}"
        yield Found(path.parent.name, str(path), manifest.info.synthetic, what)


def _count(root: DatasetRoot) -> str:
    """How much a folder holds, as far as that is known without walking through all of it."""
    if root.dataset == "bu3dfe":
        try:
            found = find_scans(root.path)
        except FertoolsError as error:
            return str(error)
        faults = f", {len(found.faults)} files that cannot be used" if found.faults else ""
        of_all = "" if root.synthetic else f" of {_NUM_SCANS:,}"
        return f"{len(found.scans):,}{of_all} scans{faults}"
    if root.marker is not None:
        return _of_marker(root.marker)
    return f"'fertools index {root.dataset}' counts its samples"


def _of_marker(marker: Path) -> str:
    """What a stand-in says of itself."""
    values = json.loads(marker.read_text(encoding="utf-8"))
    counts = [f"{values[name]:,} {name}" for name in _COUNTED if isinstance(values.get(name), int)]
    return ", ".join(counts) or "no count in its SYNTHETIC.json"
