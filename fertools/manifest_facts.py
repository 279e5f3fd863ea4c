"""The facts in a manifest's metadata, checked before anything else is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fertools.errors import ManifestError

__all__ = ["SCHEMA_VERSION", "ManifestInfo", "check_facts"]

SCHEMA_VERSION = 1
"""Of the columns that this version of fertools reads and writes."""

_FACTS: dict[str, type] = {
    "dataset": str,
    "synthetic": bool,
    "config": dict,
    "tool_version": str,
    "schema_version": int,
    "digest": str,
    "root": str,
}
_PATTERNS = {
    "dataset": r"[a-z0-9-]{1,60}",
    "digest": r"[0-9a-f]{64}",
    "tool_version": r"[\w.+-]{1,60}",
    "root": r"[^\x00-\x1f\x7f]+",
}


@dataclass(frozen=True)
class ManifestInfo:
    """What the file's metadata says.

    Attributes:
        dataset: Name of the data set.
        synthetic: True for pictures of stand-ins, which show nobody.
        config: The options that made the samples; stands in every lock.
        tool_version: Version of fertools that wrote it.
        schema_version: Version of the columns.
        digest: SHA-256 over rows and metadata, hexadecimal.
        root: The folder that ``image`` is relative to, seen from the manifest's own, or absolute.
            It is no part of the digest: a set may lie elsewhere on another machine.
    """

    dataset: str
    synthetic: bool
    config: dict[str, Any]
    tool_version: str
    schema_version: int
    digest: str
    root: str = "."


def check_facts(path: Path, facts: object) -> ManifestInfo:
    """The metadata as a value, if each fact is there and of its type.

    Args:
        path: The manifest, for messages.
        facts: What its JSON says.

    Raises:
        ManifestError: At the first fact that is lacking, unknown, or of another type or form.
    """
    if not isinstance(facts, dict):
        raise ManifestError(
            f"{path}: the metadata is no JSON object but {type(facts).__name__}; make the "
            "manifest again"
        )
    version = facts.get("schema_version")
    if type(version) is int and version != SCHEMA_VERSION:
        raise ManifestError(
            f"{path}: schema version {version}; this version of fertools reads {SCHEMA_VERSION}: "
            "make the manifest again"
        )
    facts = {"root": ".", **facts}
    for name in sorted(set(_FACTS) ^ set(facts)):
        what = "lacks" if name in _FACTS else "has an unknown"
        raise ManifestError(f"{path}: the metadata {what} {name[:60]!r}; make the manifest again")
    for name, kind in _FACTS.items():
        if type(facts[name]) is not kind:  # True would pass for a number
            raise ManifestError(
                f"{path}: {name!r} in the metadata is {type(facts[name]).__name__}; expected "
                f"{kind.__name__}: make the manifest again"
            )
    for name, pattern in _PATTERNS.items():
        if re.fullmatch(pattern, facts[name], re.ASCII) is None:
            raise ManifestError(
                f"{path}: {name!r} in the metadata is {facts[name][:60]!r}; expected {pattern}: "
                "make the manifest again"
            )
    return ManifestInfo(**facts)
