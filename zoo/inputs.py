"""Find and check what a command works on: the samples and lock of a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import LockError
from fertools.jobs import write_bytes
from fertools.protocols import (
    Exclusion,
    LeakReport,
    Lock,
    NearPairs,
    Pool,
    check_folds,
    check_lock,
    list_protocols,
    load_protocol,
    parse_data,
    read_lock,
    read_near,
    read_pool,
    run_gate,
    unlike_protocol,
)


@dataclass(frozen=True)
class Inputs:
    """Samples and the lock that says who is trained on and who is tested.

    Attributes:
        pool: The samples.
        lock: The folds, checked against the samples.
        leaks: What leaks in the lock's folds; what the gate refuses is an error before. Its
            ``not_checked`` says what was not looked for.
        found: What leaked before training samples were left out.
        near: The near duplicates, if they were searched now or by an earlier run.
        mismatch: What differs from the lock, where the user allowed it.
        excluded: Training samples that were left out of the lock's folds since they leak.
    """

    pool: Pool
    lock: Lock
    leaks: LeakReport
    found: LeakReport
    near: NearPairs | None
    mismatch: tuple[str, ...] = ()
    excluded: tuple[Exclusion, ...] = ()


def find_inputs(
    protocol_name: str,
    *,
    data: Sequence[str] = (),
    lock_path: Path | None = None,
    search: bool = False,
    strict: bool = False,
    exclude_leaks: bool = False,
    allow_mismatch: bool = False,
    workers: int = 1,
) -> Inputs:
    """Read samples and lock, and compare them with the protocol and with each other.

    Subjects and files on both sides of a fold are always looked for.

    Args:
        protocol_name: A protocol's name, or its YAML.
        data: ``MANIFEST``, or ``ROLE=MANIFEST`` for each role; else the protocol's own in the data
            home.
        lock_path: The lock; else ``NAME.lock.json`` beside the manifest of those who are tested.
        search: Search near duplicates if 'fertools protocols check', or an earlier training, did
            not; what they found is taken in any case.
        strict: Refuse any leak, also of an official split.
        exclude_leaks: Leave training samples that leak out of the folds; the lock that is given
            back has another digest and says who.
        allow_mismatch: Go on where the samples are not as locked; what differs is given back.
        workers: Processes and threads of the search for near duplicates.

    Raises:
        ProtocolError: If the protocol is unknown, or the samples do not suit it.
        ManifestError: If there is no manifest, or it is damaged.
        LockError: If there is no lock, or it does not fit the protocol or the samples.
        LeakError: If the folds leak.
    """
    protocol = load_protocol(protocol_name)
    pool = read_pool(protocol, parse_data(protocol, data))
    path = lock_path or pool.main.path.parent / f"{protocol.name}.lock.json"
    given = "".join(f" --data {text}" for text in data)
    remedy = f"make it with 'fertools protocols lock {protocol_name}{given}'"
    if not path.is_file():
        raise LockError(f"{path}: there is no lock here; {remedy}")
    lock = read_lock(path)
    mismatch: tuple[str, ...] = ()
    if (text := unlike_protocol(lock, protocol)) is not None:
        if not allow_mismatch or lock.protocol != protocol.name:
            raise LockError(f"{path}: {text}; {remedy}")
        mismatch = (f"the lock {text}",)
    mismatch += check_lock(lock, pool, allow_mismatch=allow_mismatch)
    if not mismatch:
        check_folds(lock, protocol, pool)
    is_first = search and read_near(path, lock, pool) is None
    checked = run_gate(
        lock,
        pool,
        path,
        near=is_first or None,
        strict=strict,
        exclude=exclude_leaks,
        is_written=is_first,
        workers=workers,
    )
    return Inputs(
        pool,
        checked.lock,
        checked.report,
        checked.found,
        checked.near,
        mismatch,
        checked.excluded,
    )


def keep_declaration(protocol_name: str, run_dir: Path) -> None:
    """Copy a protocol that does not come with fertools, and its lists, into a run folder.

    Args:
        protocol_name: A protocol's name, or its YAML.
        run_dir: The run folder.

    Raises:
        OutputError: If a file cannot be written.
    """
    protocol = load_protocol(protocol_name)
    if protocol.name in list_protocols():
        return
    lists = [one.ids for one in protocol.selections.values() if one.ids is not None]
    for source in (Path(protocol_name), *(protocol.folder / name for name in lists)):
        write_bytes(run_dir / source.name, source.read_bytes())
