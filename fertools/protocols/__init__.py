"""Protocols: declared in YAML, locked by sample id, checked against the data at hand."""

from fertools.protocols.gate import Leak, LeakReport, find_leaks, refuse_leaks
from fertools.protocols.lock import (
    Lock,
    Source,
    check_lock,
    find_differences,
    lock_protocol,
    read_lock,
    write_lock,
)
from fertools.protocols.pool import Pool, parse_data, read_pool
from fertools.protocols.spec import (
    Parts,
    Protocol,
    Selection,
    SubjectKFold,
    UnseenView,
    list_protocols,
    load_protocol,
)
from fertools.protocols.splitters import Fold, make_folds, subject_folds

__all__ = [
    "Fold",
    "Leak",
    "LeakReport",
    "Lock",
    "Parts",
    "Pool",
    "Protocol",
    "Selection",
    "Source",
    "SubjectKFold",
    "UnseenView",
    "check_lock",
    "find_differences",
    "find_leaks",
    "list_protocols",
    "load_protocol",
    "lock_protocol",
    "make_folds",
    "parse_data",
    "read_lock",
    "read_pool",
    "refuse_leaks",
    "subject_folds",
    "write_lock",
]
