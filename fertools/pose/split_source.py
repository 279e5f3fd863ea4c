"""The manifests that a split is made of: whose rows it has, and whose pictures' pose is estimated.

They are two where a set has two kinds of pictures: RAF-DB's field trains and tests on the aligned
ones, but the five annotated points count in the originals, and the alignment turns a face upright,
which changes yaw and pitch. What is not there yet is indexed on the way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fertools.errors import DatasetError, ManifestError
from fertools.formats.affectnet import AffectnetOptions
from fertools.formats.rafdb import RafdbOptions
from fertools.formats.registry import Fault, get_dataset
from fertools.home import data_home, derived_dir, describe_root, find_dataset, standin_dir
from fertools.index import index_dataset
from fertools.manifest import Manifest, read_manifest
from fertools.pose.split import EVALUATED, evaluated_rows

if TYPE_CHECKING:
    from fertools.home import DatasetRoot

__all__ = ["Images", "Indexing", "NoOriginalsError", "find_originals", "find_rows", "sets_at_hand"]

Images = Literal["auto", "original", "aligned"]
"""Which of RAF-DB's pictures the pose is estimated on; ``auto``: the originals if there are any."""

_ORIGINAL = "original pictures"  # so ends the layout's name in an index of them


class NoOriginalsError(DatasetError):
    """There are aligned pictures only."""


@dataclass(frozen=True)
class Indexing:
    """How what is not there yet is indexed.

    Attributes:
        say: Tells the user what is done, a line at a time.
        workers: Processes.
        on_error: What becomes of files that cannot be used.
        faults: What was left out so far.
    """

    say: Callable[[str], None]
    workers: int = 1
    on_error: Literal["stop", "skip"] = "stop"
    faults: list[Fault] = field(default_factory=list)

    def index(self, root: DatasetRoot, out: Path, options: Any) -> Manifest:
        """The manifest of a set's folder.

        Raises:
            DatasetError: If the folder is none of the set's layouts, or has faults.
        """
        mark = " (stand-in, synthetic)" if root.synthetic else ""
        self.say(f"{root.path}{mark}: indexed first, to {out}")
        dataset = get_dataset(root.dataset)
        summary = index_dataset(
            dataset, root, out, options, workers=self.workers, on_error=self.on_error
        )
        self.faults.extend(summary.faults)
        return summary.manifest


def sets_at_hand() -> list[str]:
    """The sets that can be split and are there, indexed or not.

    Raises:
        DatasetError: If none is; it says where they were looked for and how a stand-in is made.
    """
    found = [
        name
        for name in sorted(EVALUATED)
        if any(
            os.path.lexists(place)
            for place in (
                derived_dir(name) / "manifest.parquet",
                data_home() / "raw" / name,
                standin_dir(name),
            )
        )
    ]
    if not found:
        find_dataset("rafdb")
    return found


def find_rows(dataset: str, indexing: Indexing) -> Manifest:
    """The manifest of a set: that in ``derived``, else the set is indexed.

    A manifest of a stand-in does not serve any more once ``raw`` holds the licensed set.

    Raises:
        DatasetError: If the set is not there or cannot be indexed.
        ManifestError: If what is in ``derived`` is damaged or of another set.
    """
    folder = derived_dir(dataset)
    if (folder / "manifest.parquet").exists():
        manifest = read_manifest(folder)
        if manifest.info.dataset != dataset:
            raise ManifestError(
                f"{manifest.path}: is a manifest of {manifest.info.dataset}; move it away, or give "
                f"{dataset}'s with --manifest"
            )
        if not (manifest.info.synthetic and os.path.lexists(data_home() / "raw" / dataset)):
            return manifest
        indexing.say(f"{manifest.path}: is of a stand-in, and there is a licensed set now")
    options = RafdbOptions() if dataset == "rafdb" else AffectnetOptions()
    return indexing.index(find_dataset(dataset), folder, options)


def find_originals(rows: Manifest, indexing: Indexing) -> Manifest:
    """The manifest of the original pictures that belong to some rows of RAF-DB.

    It is that beside theirs with ``-original`` at the end of its name, or the one in ``derived``;
    else the set is indexed once more.

    Raises:
        NoOriginalsError: If there are no original pictures.
        DatasetError: If they have faults.
        ManifestError: If those that there are do not belong to the rows. What was indexed of
            another stand-in is replaced.
    """
    if str(rows.info.config.get("layout", "")).endswith(_ORIGINAL):
        return rows
    folder = rows.path.parent.resolve()
    beside = folder.with_name(f"{folder.name}-original")
    if derived_dir("rafdb").resolve() == folder:
        beside = derived_dir("rafdb-original")
    for place in dict.fromkeys((beside, derived_dir("rafdb-original"))):
        if (place / "manifest.parquet").exists():
            originals = read_manifest(place)
            if _belong_together(rows, originals):
                return originals
            if not originals.info.synthetic:
                raise ManifestError(
                    f"{originals.path}: is not of the same set as {rows.path} (other labels, or a "
                    "stand-in); move one of them away and index it again"
                )
            indexing.say(f"{originals.path}: is of another stand-in than {rows.path}")
    options = RafdbOptions(images="original")
    originals = indexing.index(_root_of_originals(rows, options), beside, options)
    if not _belong_together(rows, originals):
        raise ManifestError(
            f"{rows.path}: its samples and labels are not those of the original pictures in "
            f"{originals.root}; index both from one folder"
        )
    return originals


def _root_of_originals(rows: Manifest, options: RafdbOptions) -> DatasetRoot:
    """The folder that holds original pictures: where the rows' are, else where the set is."""
    opener = get_dataset("rafdb").open
    root = describe_root("rafdb", rows.root)
    try:
        opener(root.path, options)
    except DatasetError as first:
        try:
            root = find_dataset("rafdb")
            opener(root.path, options)
        except DatasetError:
            raise NoOriginalsError(
                f"{first}; or estimate the pose on the aligned pictures: --estimator mtcnn"
            ) from first
    return root


def _belong_together(rows: Manifest, originals: Manifest) -> bool:
    """Whether they are of one set: the same label wherever they have the same sample."""
    if (originals.info.dataset, originals.info.synthetic) != (
        rows.info.dataset,
        rows.info.synthetic,
    ):
        return False
    names = ["sample_id", "expression"]
    both = evaluated_rows(rows)[names].merge(originals.frame[names], on="sample_id")
    return bool(len(both)) and bool((both["expression_x"] == both["expression_y"]).all())
