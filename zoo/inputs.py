"""Find and check what a command works on: the manifest and lock of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fertools.errors import LockError
from fertools.home import derived_dir
from fertools.manifest import Manifest, read_manifest
from fertools.protocols import Lock, check_lock, load_protocol, read_lock


@dataclass(frozen=True)
class Inputs:
    """A manifest and the lock that says who is trained on and who is tested.

    Attributes:
        protocol: Name of the protocol.
        manifest: The samples.
        lock: The folds, checked against the manifest.
    """

    protocol: str
    manifest: Manifest
    lock: Lock


def find_inputs(
    protocol_name: str, *, data: Path | None = None, lock_path: Path | None = None
) -> Inputs:
    """Read manifest and lock, and compare them with the protocol and with each other.

    Args:
        protocol_name: A protocol's name, or its YAML.
        data: The manifest; else the protocol's own in the data home.
        lock_path: The lock; else ``NAME.lock.json`` beside the manifest.

    Raises:
        ProtocolError: If the protocol is unknown.
        ManifestError: If there is no manifest, or it is damaged.
        LockError: If there is no lock, or it does not fit the protocol or the manifest.
    """
    protocol = load_protocol(protocol_name)
    manifest = read_manifest(data or derived_dir(protocol.derived))
    path = lock_path or manifest.path.parent / f"{protocol.name}.lock.json"
    remedy = f"make it with 'fertools protocols lock {protocol.name} --data {manifest.path}'"
    if not path.is_file():
        raise LockError(f"{path}: there is no lock here; {remedy}")
    lock = read_lock(path)
    if lock.protocol != protocol.name:
        raise LockError(
            f"{path}: is a lock of the protocol {lock.protocol!r}, expected {protocol.name!r}"
        )
    if lock.protocol_digest != protocol.digest:
        raise LockError(
            f"{path}: was made when the protocol {protocol.name!r} read otherwise (version "
            f"{lock.protocol_version}, now {protocol.version}); {remedy}"
        )
    check_lock(lock, manifest)
    return Inputs(protocol.name, manifest, lock)
