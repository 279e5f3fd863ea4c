"""Protocols: declared in YAML, locked by sample id, checked against the data at hand."""

from fertools.protocols.gate import Leak, LeakReport, find_leaks
from fertools.protocols.lock import (
    Exclusion,
    Lock,
    Source,
    beside_lock,
    lock_protocol,
    read_lock,
    write_lock,
)
from fertools.protocols.matching import (
    Change,
    changed_members,
    check_folds,
    check_lock,
    find_differences,
    pictures_digest,
    unlike_protocol,
)
from fertools.protocols.near import NearLink, NearPairs, find_near_pairs
from fertools.protocols.policy import Checked, exclude_leaks, refuse_leaks, run_gate
from fertools.protocols.pool import Pool, parse_data, read_pool
from fertools.protocols.records import leaks_path, read_near, write_leaks
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
    "Change",
    "Checked",
    "Exclusion",
    "Fold",
    "Leak",
    "LeakReport",
    "Lock",
    "NearLink",
    "NearPairs",
    "Parts",
    "Pool",
    "Protocol",
    "Selection",
    "Source",
    "SubjectKFold",
    "UnseenView",
    "beside_lock",
    "changed_members",
    "check_folds",
    "check_lock",
    "exclude_leaks",
    "find_differences",
    "find_leaks",
    "find_near_pairs",
    "leaks_path",
    "list_protocols",
    "load_protocol",
    "lock_protocol",
    "make_folds",
    "parse_data",
    "pictures_digest",
    "read_lock",
    "read_near",
    "read_pool",
    "refuse_leaks",
    "run_gate",
    "subject_folds",
    "unlike_protocol",
    "write_leaks",
    "write_lock",
]
