"""Protocols as declared files, their folds as locks, and the gate that refuses leaks."""

from fertools.protocols.lock import Fold, Lock, check_lock, lock_protocol, read_lock, write_lock
from fertools.protocols.spec import Protocol, list_protocols, load_protocol

__all__ = [
    "Fold",
    "Lock",
    "Protocol",
    "check_lock",
    "list_protocols",
    "load_protocol",
    "lock_protocol",
    "read_lock",
    "write_lock",
]
