"""What our own readers say of a folder: the first fault with its place, masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fertools.doctor.masking import Masked
from fertools.doctor.wording import mask_error, mask_message, mask_place, tells_of_labels
from fertools.errors import FertoolsError

__all__ = ["Reading", "read_set"]

_MAX_REASONS = 12
_MAX_ROWS = 50_000


@dataclass(frozen=True)
class Reading:
    """What came of reading a set in one way.

    Attributes:
        what: Which reader, with which options; words of ours.
        layout: The layout that was recognised.
        num_read: Scans or samples that were read without a fault.
        is_cut: Whether the reading ended at its limit.
        error: Why the set cannot be read at all.
        num_faults: Faults of single files and lines.
        faults: Kinds of faults and how many there are of each, the first one first.
        first_fault: The first fault with its place.
        notes: What a reader counts and says beside the samples, and how many; None where the
            number may be that of a label.
    """

    what: str
    layout: Masked | None = None
    num_read: int = 0
    is_cut: bool = False
    error: Masked | None = None
    num_faults: int = 0
    faults: tuple[tuple[Masked, int], ...] = ()
    first_fault: Masked | None = None
    notes: tuple[tuple[Masked, int | None], ...] = ()


def read_set(dataset: str, root: Path, *, max_scans: int = 30) -> tuple[Reading, ...]:
    """Read a set as ``fertools index`` and ``fertools render-bu3dfe`` do, and keep what they say.

    Args:
        dataset: Its name.
        root: Its folder.
        max_scans: Scans of BU-3DFE that are read of each mesh, spread over the set.

    Returns:
        One entry a way of reading.
    """
    if dataset == "bu3dfe":
        return tuple(
            _guarded(f"scans, mesh {mesh}", root, reader)
            for mesh, reader in _scan_readers(root, max_scans)
        )
    ways = [("all pictures", {"select": "all"}), ("the paper's part", {"select": "paper"})]
    if dataset != "multipie":
        ways = [("all samples", {})]
    return tuple(
        _guarded(what, root, _index_reader(dataset, root, what, options)) for what, options in ways
    )


def _guarded(what: str, root: Path, reader: Callable[[], Reading]) -> Reading:
    """Call a reader; whatever it raises is what the report is about."""
    try:
        return reader()
    except (FertoolsError, OSError) as error:
        return Reading(what, error=mask_error(str(error), root))
    except Exception as error:  # a fault of ours, of which the type alone is told
        return Reading(what, error=Masked(f"unexpected {_type_name(error)}: please report this"))


def _type_name(error: Exception) -> str:
    """The name of a type of error, of those that Python itself has."""
    import builtins

    name = type(error).__name__
    return name if hasattr(builtins, name) else "error"


class _Faults:
    """Counts faults by their masked reasons."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._counts: Counter[Masked] = Counter()
        self.first: Masked | None = None

    def add(self, place: str, reason: str) -> None:
        """Count one; ``place`` lies below the root."""
        masked = mask_message(reason, self._root)
        if self.first is None:
            self.first = mask_place(place, reason, self._root)
        if masked in self._counts or len(self._counts) < _MAX_REASONS:
            self._counts[masked] += 1
        else:
            self._counts[Masked("other faults")] += 1

    @property
    def total(self) -> int:
        """How many."""
        return self._counts.total()

    def kinds(self) -> tuple[tuple[Masked, int], ...]:
        """The reasons in the order of their first sight."""
        return tuple(self._counts.items())


def _scan_readers(root: Path, max_scans: int) -> Iterator[tuple[str, Callable[[], Reading]]]:
    """For each mesh of BU-3DFE a function that reads some scans."""
    yield "F3D", lambda: _read_scans(root, max_scans, is_raw=False)
    yield "RAW", lambda: _read_scans(root, max_scans, is_raw=True)


def _read_scans(root: Path, max_scans: int, *, is_raw: bool) -> Reading:
    """Find all scans of a mesh, and read some of them with their landmarks."""
    from fertools.formats.bu3dfe import find_scans, read_landmarks, read_scan

    found = find_scans(root, "RAW" if is_raw else "F3D")
    faults = _Faults(root)
    for fault in found.faults:
        faults.add(_below(root, fault.path), fault.reason)
    step = max(1, -(-len(found.scans) // max(1, max_scans)))
    chosen = found.scans[::step][:max_scans]
    num_read = 0
    for files in chosen:
        try:
            read_landmarks(files, read_scan(files))
            num_read += 1
        except FertoolsError as error:
            place, reason = _part(str(error), root, files.wrl)
            faults.add(place, reason)
    return Reading(
        what=f"scans, mesh {'RAW' if is_raw else 'F3D'}: {len(found.scans):,} found",
        num_read=num_read,
        is_cut=len(chosen) < len(found.scans),
        num_faults=faults.total,
        faults=faults.kinds(),
        first_fault=faults.first,
    )


def _part(message: str, root: Path, wrl: Path) -> tuple[str, str]:
    """Place and reason of an error about one file of a scan."""
    start = str(wrl.parent)
    if message.startswith(start):
        name, _, reason = message.removeprefix(start).lstrip("/\\").partition(": ")
        return _below(root, wrl.parent / name), reason
    return ".", message


def _below(root: Path, path: Path) -> str:
    """A path as seen from the root, by its last parts where it lies elsewhere."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.name


def _index_reader(
    dataset: str, root: Path, what: str, options: dict[str, str]
) -> Callable[[], Reading]:
    """A function that reads a set of the registry."""

    def read() -> Reading:
        from fertools.formats.registry import Fault, Note, get_dataset

        entry = get_dataset(dataset)
        opened = entry.open(root, entry.options.model_validate(options))
        faults = _Faults(root)
        notes: dict[Masked, int | None] = {}
        num_read = num_rows = 0
        for row in islice(opened.rows, _MAX_ROWS):
            num_rows += 1
            if isinstance(row, Fault):
                faults.add(row.place, row.reason)
            elif isinstance(row, Note):
                said = mask_message(row.reason, root)
                known = None if tells_of_labels(row.reason) else notes.get(said, 0)
                notes[said] = None if known is None else known + row.count
            else:
                num_read += 1
        return Reading(
            what=what,
            layout=mask_message(opened.layout, root),
            num_read=num_read,
            is_cut=num_rows == _MAX_ROWS,
            num_faults=faults.total,
            faults=faults.kinds(),
            first_fault=faults.first,
            notes=tuple(notes.items()),
        )

    return read
