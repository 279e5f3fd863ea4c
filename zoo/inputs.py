"""Find and check what a command works on: the samples and lock of a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import LockError
from fertools.protocols import (
    LeakReport,
    Lock,
    Pool,
    check_lock,
    find_leaks,
    load_protocol,
    parse_data,
    read_lock,
    read_pool,
    refuse_leaks,
)


@dataclass(frozen=True)
class Inputs:
    """Samples and the lock that says who is trained on and who is tested.

    Attributes:
        protocol: Name of the protocol.
        pool: The samples.
        lock: The folds, checked against the samples.
        leaks: What the leak gate found; what it refuses is an error before.
        mismatch: What differs from the lock, where the user allowed it.
    """

    protocol: str
    pool: Pool
    lock: Lock
    leaks: LeakReport
    mismatch: tuple[str, ...] = ()


def find_inputs(
    protocol_name: str,
    *,
    data: Sequence[str] = (),
    lock_path: Path | None = None,
    strict: bool = False,
    allow_mismatch: bool = False,
) -> Inputs:
    """Read samples and lock, and compare them with the protocol and with each other.

    Args:
        protocol_name: A protocol's name, or its YAML.
        data: ``MANIFEST``, or ``ROLE=MANIFEST`` for each role; else the protocol's own in the data
            home.
        lock_path: The lock; else ``NAME.lock.json`` beside the manifest of those who are tested.
        strict: Refuse any leak, also of an official split.
        allow_mismatch: Go on where the samples are not as locked; what differs is given back.

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
    if lock.protocol != protocol.name:
        raise LockError(
            f"{path}: is a lock of the protocol {lock.protocol!r}, expected {protocol.name!r}"
        )
    mismatch: tuple[str, ...] = ()
    if lock.protocol_digest != protocol.digest:
        text = (
            f"was made when the protocol {protocol.name!r} read otherwise (version "
            f"{lock.protocol_version}, now {protocol.version})"
        )
        if not allow_mismatch:
            raise LockError(f"{path}: {text}; {remedy}")
        mismatch = (f"the lock {text}",)
    mismatch += check_lock(lock, pool, allow_mismatch=allow_mismatch)
    leaks = find_leaks(lock, pool)
    refuse_leaks(leaks, protocol=protocol.name, strict=strict)
    return Inputs(protocol.name, pool, lock, leaks, mismatch)
