"""Planted faults: what a verifier should find, put into a finished stand-in and written down.

==================  ================================================================================
``duplicate``       a byte-identical copy of a picture under another name, with the same label
``swapped-label``   the same with another label
``leaked-subject``  a brightened copy across a border: from train to test, or, in Multi-PIE, the
                    pictures of one person's session once more as those of a new subject
``corrupt``         bytes damaged in the middle: the head can be read, the pixels cannot
``truncated``       the second half of the file cut off
``missing``         the file removed, what is said about it left
==================  ================================================================================

``planted.json`` at the root lists them; ``ground_truth.parquet`` stays as it was. No picture is hit
by two kinds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fertools.errors import ConfigError, OutputError
from fertools.jobs import write_json
from fertools.synth.folder import MARKER, planted_kinds, read_marker
from fertools.synth.journal import JOURNAL, change_files, forget
from fertools.synth.planting import Chooser, Edit, Plantable, Planting, Sample, corrupt

__all__ = [
    "KINDS",
    "PLANTED",
    "PlantedFault",
    "check_kinds",
    "parse_kinds",
    "plant_faults",
    "read_planted",
]

# In the order of planting: what needs many untouched pictures comes first.
KINDS = ("leaked-subject", "duplicate", "swapped-label", "corrupt", "truncated", "missing")
PLANTED = "planted.json"


@dataclass(frozen=True)
class PlantedFault:
    """One planted fault.

    Attributes:
        kind: One of :data:`KINDS`.
        sample_ids: Where something was copied, the sources first, then the copies.
        files: The picture files, as POSIX paths below the root.
        note: One line for people.
    """

    kind: str
    sample_ids: tuple[str, ...]
    files: tuple[str, ...]
    note: str


def check_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """Kinds of faults, sorted and without repetition.

    Raises:
        ConfigError: If one is unknown.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(f"plant is {kind!r}; expected some of {', '.join(KINDS)}")
    return tuple(sorted(set(kinds)))


def parse_kinds(text: str | None) -> tuple[str, ...]:
    """Kinds of a list such as ``duplicate,corrupt``; ``all`` is every one, None is none.

    Raises:
        ConfigError: If one is unknown.
    """
    if text is None:
        return ()
    return check_kinds(KINDS if text == "all" else [word.strip() for word in text.split(",")])


def plant_faults(
    root: Path, dataset: str, kinds: Sequence[str], *, seed: int
) -> tuple[PlantedFault, ...]:
    """Plant one fault of each kind into a finished stand-in; all of them or, on an error, none.

    A folder that has these faults already is left as it is.

    Args:
        root: The folder, with SYNTHETIC.json.
        dataset: ``multipie``, ``rafdb`` or ``affectnet``.
        kinds: Some of :data:`KINDS`.
        seed: The same seed in the same folder plants the same faults.

    Returns:
        What stands in ``planted.json``.

    Raises:
        ConfigError: If the folder is no finished stand-in of the set, has other faults already, or
            is too small.
        OutputError: If it cannot be written.
    """
    wanted = check_kinds(kinds)
    marker = read_marker(root)
    if marker is None or marker.get("complete") is not True or marker.get("dataset") != dataset:
        raise ConfigError(f"{root}: is no finished stand-in of {dataset}; start its command again")
    there = planted_kinds(marker)
    if there:
        if there != sorted(wanted) or marker["planted"].get("seed") != seed:
            raise ConfigError(
                f"{root}: holds planted faults already ({', '.join(there)}); make another folder"
            )
        return read_planted(root)
    if not wanted:
        return ()
    edit, faults = _plan(root, dataset, wanted, seed)
    edit.write(PLANTED, _json_bytes([asdict(fault) for fault in faults]))
    write_json(root / MARKER, {**marker, "complete": False})
    try:
        change_files(root, edit.changes)
    except OutputError:
        if not (root / JOURNAL).exists():
            write_json(root / MARKER, marker)
        raise
    write_json(root / MARKER, {**marker, "planted": {"kinds": sorted(wanted), "seed": seed}})
    forget(root)
    return faults


def _plan(
    root: Path, dataset: str, kinds: Sequence[str], seed: int
) -> tuple[Edit, tuple[PlantedFault, ...]]:
    """Work out all faults before anything is written."""
    folder = _open(root, dataset)
    edit = Edit(root)
    chooser = Chooser(folder.samples, np.random.default_rng([seed, 40]))
    faults = []
    for number, kind in enumerate(KINDS):
        if kind in kinds:
            chooser.rng = np.random.default_rng([seed, 41, number])
            done = _plant(kind, folder, edit, chooser)
            chooser.take(*done.sample_ids)
            faults.append(PlantedFault(kind, done.sample_ids, done.files, done.note))
    return edit, tuple(faults)


def _open(root: Path, dataset: str) -> Plantable:
    """The folder of a set."""
    if dataset == "multipie":
        from fertools.synth.plant_multipie import MultipieFolder

        return MultipieFolder(root)
    if dataset == "rafdb":
        from fertools.synth.plant_rafdb import open_rafdb_folder

        return open_rafdb_folder(root)
    if dataset == "affectnet":
        from fertools.synth.plant_affectnet import open_affectnet_folder

        return open_affectnet_folder(root)
    raise ConfigError(
        f"dataset is {dataset!r}; faults are planted in multipie, rafdb and affectnet"
    )


def _plant(kind: str, folder: Plantable, edit: Edit, chooser: Chooser) -> Planting:
    """Plant one fault."""
    if kind == "duplicate":
        return folder.duplicate(edit, chooser)
    if kind == "swapped-label":
        return folder.swap_label(edit, chooser)
    if kind == "leaked-subject":
        return folder.leak(edit, chooser)
    sample = chooser.one(kind, _may_break if kind == "corrupt" else None)
    for name in sample.pictures:
        data = edit.read(name)
        if kind == "missing":
            edit.remove(name)
        elif kind == "truncated":
            edit.write(name, data[: len(data) // 2])
        else:
            edit.write(name, corrupt(name, data, chooser.rng))
    notes = {
        "corrupt": "bytes in the middle of the file are damaged",
        "truncated": "the second half of the file is cut off",
        "missing": "the file is removed",
    }
    return Planting((sample.sample_id,), sample.pictures, notes[kind])


def _may_break(sample: Sample) -> bool:
    """Whether damage can be noticed: a plain TIFF shows whatever bytes it has."""
    return all(name.lower().endswith((".jpg", ".jpeg", ".png")) for name in sample.pictures)


def _json_bytes(value: Any) -> bytes:
    """JSON as ``fertools.jobs.write_json`` writes it."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_planted(root: Path) -> tuple[PlantedFault, ...]:
    """What ``planted.json`` says.

    Raises:
        ConfigError: If it cannot be read.
    """
    path = root / PLANTED
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            PlantedFault(f["kind"], tuple(f["sample_ids"]), tuple(f["files"]), f["note"])
            for f in listed
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); remove the folder and make it again"
        ) from error
