"""The kinds of findings, which of them are faults, and the value that holds one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from fertools.errors import ConfigError

__all__ = ["KINDS", "Finding", "Kind", "Link", "check_kinds", "severity_of"]

Severity = Literal["fault", "note"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        severity: ``fault`` (exit status 1) or ``note``.
        meaning: What it says of a set.
    """

    severity: Severity
    meaning: str


KINDS: dict[str, Kind] = {
    "missing": Kind("fault", "a file that is not there"),
    "unreadable": Kind("fault", "a file that is no picture, or cannot be read to its last byte"),
    "changed": Kind("fault", "another digest, width, height or number of bytes than recorded"),
    "duplicate": Kind("fault", "the same bytes twice, in one split and of one subject and label"),
    "duplicate-across-splits": Kind("fault", "the same bytes in two splits"),
    "duplicate-across-subjects": Kind("fault", "the same bytes under two subjects"),
    "duplicate-labels": Kind("fault", "the same bytes with two expressions"),
    "near-duplicate": Kind("note", "an altered copy, in one split and of one subject and label"),
    "near-duplicate-across-splits": Kind("fault", "an altered copy in another split"),
    "near-duplicate-across-subjects": Kind("fault", "an altered copy under another subject"),
    "near-duplicate-labels": Kind("fault", "an altered copy with another expression"),
    "missing-cells": Kind("fault", "a subject without pictures that most subjects have"),
    "absent-session": Kind("note", "a subject who is in no picture of a session"),
    "row-count": Kind("note", "a subject with more or fewer rows than most"),
    "flat": Kind("note", "a picture of one colour; no near duplicates of it are looked for"),
}
"""Name to kind, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two near duplicates.

    Attributes:
        first: A sample's id.
        second: The other's.
        distance: Bits of 64 in which their hashes differ.
        difference: Of their pixels; see :func:`fertools.duplicates.picture_differences`.
        variant: ``same``, ``mirrored``, ``cropped`` or ``mirrored, cropped``.
    """

    first: str
    second: str
    distance: int
    difference: float
    variant: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found.

    Attributes:
        kind: One of ``KINDS``.
        sample_ids: Whom it concerns; empty where a subject as a whole.
        files: Their pictures, as in the manifest.
        reason: One line.
        subject_id: The subject, where it is about one.
        links: Of near duplicates: the pairs that were compared and hold the group together.
    """

    kind: str
    sample_ids: tuple[str, ...]
    files: tuple[str, ...]
    reason: str
    subject_id: str | None = None
    links: tuple[Link, ...] = ()


def check_kinds(names: Collection[str]) -> None:
    """Raise unless all names are kinds.

    Raises:
        ConfigError: It names the wrong one and the possible ones.
    """
    for name in names:
        if name not in KINDS:
            raise ConfigError(f"--allow {name!r}: is no kind; expected one of {', '.join(KINDS)}")


def severity_of(kind: str, allowed: Collection[str] = ()) -> Severity:
    """Whether a kind is a fault, or a note, as all are that were allowed."""
    return "note" if kind in allowed else KINDS[kind].severity
