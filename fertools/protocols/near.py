"""Near duplicates among the samples of a lock that may meet on the two sides of a fold.

What a search needs of each picture is kept beside its manifest, in the folder ``verify`` that
``fertools verify`` fills too. All folds are searched at once: only pairs of which one is trained on
and the other is tested in some fold are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fertools.duplicates import (
    NearPair,
    Sketches,
    StoredWords,
    Thumbnails,
    Windows,
    find_near_duplicates,
)
from fertools.jobs import hold_folder
from fertools.manifest import Manifest
from fertools.protocols.lock import Lock
from fertools.protocols.pool import Pool
from fertools.verify.job import FOLDER
from fertools.verify.reading import read_files
from fertools.verify.stored import ReadFiles

__all__ = ["NEAR_VERSION", "NearLink", "NearPairs", "find_near_pairs"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NEAR_VERSION = 1
"""Raised whenever the search could find other pairs."""

_WORDS = ("inner", "outer", "unsure")


@dataclass(frozen=True, slots=True)
class NearLink:
    """Two samples whose pictures are the same but for alterations.

    Attributes:
        first: A sample.
        second: The other.
        difference: See :func:`fertools.duplicates.picture_differences`.
        to_second: What was done to the second's picture, seen from the first.
        to_first: The other way round.
    """

    first: str
    second: str
    difference: float
    to_second: str
    to_first: str


@dataclass(frozen=True)
class NearPairs:
    """The near duplicates of a lock.

    Attributes:
        links: As many as hold each group of copies together.
        num_pairs: How many pairs were searched.
        unread: Samples whose pictures cannot be read.
        changed: Samples whose pictures are other files than their manifest says.
    """

    links: tuple[NearLink, ...]
    num_pairs: int
    unread: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def find_near_pairs(
    lock: Lock, pool: Pool, *, known: NearPairs | None = None, workers: int = 1
) -> NearPairs:
    """Search the samples of a lock for near duplicates on both sides of any fold.

    Args:
        lock: The folds.
        pool: Their samples.
        known: What an earlier run found for the same lock and manifests: given back if no picture
            was written since.
        workers: Processes that read pictures, and threads that compare them.

    Raises:
        OutputError: If what was read cannot be kept beside the manifest.
    """
    import pandas as pd
    import pyarrow as pa

    parts = [_read(manifest, lock, pool, workers) for manifest in _manifests(pool)]
    if known is not None and all(part.files.num_kept == len(part.files.table) for part in parts):
        return known
    names = np.concatenate([part.names for part in parts])
    digests = np.concatenate([part.digests for part in parts])
    frame = pool.frame.loc[names]
    people, _ = pd.factorize(frame["dataset"] + " " + frame["subject_id"])  # -1: nobody knows
    kinds, may_meet = _sides(lock, names.tolist())
    is_whole = np.array([digest is not None for digest in digests], np.bool_)
    is_flat = np.concatenate([part.is_flat for part in parts])
    every = np.stack([pd.factorize(digests)[0], kinds, people], axis=1)
    is_first = ~pd.DataFrame(every).duplicated().to_numpy()  # of identical files one a kind
    chosen = np.flatnonzero(is_whole & ~is_flat & is_first & may_meet[kinds].any(axis=1))
    pa.default_memory_pool().release_unused()  # hundreds of MB, of manifests as they were read
    found = find_near_duplicates(
        _joined(parts, chosen),
        people=people[chosen],
        kinds=kinds[chosen],
        may_meet=may_meet,
        workers=workers,
    )
    counts = np.bincount(kinds, minlength=len(may_meet))
    return NearPairs(
        tuple(_link(pair, names[chosen]) for pair in found),
        int(counts @ may_meet @ counts) // 2,
        tuple(sorted(names[~is_whole].tolist())),
        tuple(sorted(names[is_whole & (digests != frame["sha256"].to_numpy(object))].tolist())),
    )


def _link(pair: NearPair, names: npt.NDArray[np.object_]) -> NearLink:
    """A pair by the samples' names."""
    return NearLink(
        names[pair.first],
        names[pair.second],
        round(pair.difference, 4),
        pair.alterations(of=pair.second),
        pair.alterations(of=pair.first),
    )


def _sides(lock: Lock, names: Sequence[str]) -> tuple[IntArray, BoolArray]:
    """A number for each sample, the same for those on the same side of all folds; who may meet."""
    numbers = {name: number for number, name in enumerate(names)}
    sides = np.zeros((len(names), len(lock.folds)), np.int8)
    for fold, parts in enumerate(lock.folds):
        for side, members in ((1, (*parts.train, *parts.val)), (2, parts.test)):
            sides[[numbers[name] for name in members], fold] = side
    different, kinds = np.unique(sides, axis=0, return_inverse=True)
    trained, tested = (different == side for side in (1, 2))
    meets = (trained[:, None] & tested[None]).any(axis=2)
    return kinds.reshape(-1).astype(np.int64), meets | meets.T


@dataclass(frozen=True)
class _Part:
    """The samples of one manifest, in its order.

    Attributes:
        names: Sample ids.
        digests: SHA-256 of the files' bytes; None where a picture cannot be read.
        is_flat: Whether a picture shows one colour; it is nobody's copy.
        rows: Their rows in the manifest, ascending.
        files: What was read.
    """

    names: npt.NDArray[np.object_]
    digests: npt.NDArray[np.object_]
    is_flat: BoolArray
    rows: IntArray
    files: ReadFiles


def _manifests(pool: Pool) -> list[Manifest]:
    """Each manifest once, whatever number of roles it plays."""
    return list(
        {manifest.path.resolve(): manifest for manifest in pool.manifests.values()}.values()
    )


def _read(manifest: Manifest, lock: Lock, pool: Pool, workers: int) -> _Part:
    """Read the pictures of a manifest, or take what an earlier run kept of them."""
    folder = manifest.path.parent / FOLDER
    with hold_folder(folder, rooms=["."], shared=True):  # two trainings may begin at once
        files = read_files(
            manifest.root,
            manifest.frame["image"].tolist(),
            folder,
            digest=manifest.info.digest,
            workers=workers,
        )
    roles = [r for r, m in pool.manifests.items() if m.path.resolve() == manifest.path.resolve()]
    own = pool.frame.index[pool.frame["role"].isin(roles)]
    locked = set(own).intersection(lock.labels)
    names = manifest.frame["sample_id"].to_numpy(object)
    rows = np.flatnonzero([name in locked for name in names])
    table = files.table.select(["sha256", "error", "is_flat"]).take(rows)
    digests = np.array(table.column("sha256").to_pylist(), np.object_)
    digests[table.column("error").is_valid().to_numpy()] = None
    is_flat = table.column("is_flat").to_numpy().astype(np.bool_)
    return _Part(names[rows], digests, is_flat, rows, files)


def _joined(parts: Sequence[_Part], chosen: IntArray) -> Sketches:
    """The sketches of some of all samples, ascending."""
    edges = np.cumsum([0, *(len(part.rows) for part in parts)])
    found = [
        part.files.sketches(part.rows[chosen[(chosen >= start) & (chosen < end)] - start])
        for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True)
    ]
    if len(found) == 1:
        return found[0]
    windows = [sketches.windows for sketches in found if sketches.windows is not None]
    sizes = [len(sketches) for sketches in found]
    return Sketches(
        np.concatenate([sketches.hashes for sketches in found]),
        np.concatenate([sketches.coarse for sketches in found]),
        _JoinedCells([sketches.thumbnails for sketches in found], sizes),
        np.concatenate([sketches.is_flat for sketches in found]),
        Windows(*(_JoinedCells([getattr(w, name) for w in windows], sizes) for name in _WORDS)),
    )


@dataclass(frozen=True)
class _JoinedCells:
    """A column of several manifests' sketches, one behind the other."""

    parts: Sequence[Thumbnails | StoredWords]
    sizes: Sequence[int]

    def __getitem__(self, numbers: Any, /) -> npt.NDArray[Any]:
        wanted = np.asarray(numbers, np.int64)
        edges = np.cumsum([0, *self.sizes])
        masks = [
            (wanted >= start) & (wanted < start + n)
            for start, n in zip(edges[:-1], self.sizes, strict=True)
        ]
        cells = [
            part[wanted[mask] - start]
            for part, mask, start in zip(self.parts, masks, edges[:-1], strict=True)
        ]
        result = np.empty((len(wanted), *cells[0].shape[1:]), cells[0].dtype)
        for mask, some in zip(masks, cells, strict=True):
            result[mask] = some
        return result
