"""Whether a set is as its manifest says: files, copies, subjects."""

from fertools.verify.cells import CELL_COLUMNS, find_missing_cells
from fertools.verify.findings import KINDS, Finding, Kind, Link, severity_of
from fertools.verify.job import Verification, verify_manifest
from fertools.verify.sheet import copies_sheet

__all__ = [
    "CELL_COLUMNS",
    "KINDS",
    "Finding",
    "Kind",
    "Link",
    "Verification",
    "copies_sheet",
    "find_missing_cells",
    "severity_of",
    "verify_manifest",
]
