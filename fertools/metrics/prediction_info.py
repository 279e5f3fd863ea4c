"""What a table of predictions says about itself, checked wherever it is read or written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from fertools.errors import PredictionsError
from fertools.names import is_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = [
    "PredictionsInfo",
    "check_classes",
    "encode_info",
    "info_from_values",
    "read_info",
]

SCHEMA_VERSION = 1

_TEXTS = ("protocol", "lock_digest", "model", "fusion")
_LISTS = ("classes", "mismatch")
_CLASSES = (
    "expected two or more different names without line breaks, invisible characters or spaces at "
    "their ends"
)


@dataclass(frozen=True)
class PredictionsInfo:
    """What a table of predictions says about itself.

    Attributes:
        protocol: Name of the protocol; empty when not known.
        classes: Expression names; index = label.
        lock_digest: Digest of the locked protocol; empty when there is none.
        synthetic: Whether the tested pictures are stand-ins.
        model: Name of the model; empty when not known.
        fusion: How the branches were fused, such as ``"mean"``; empty for one branch.
        mismatch: In what the tested samples were not as locked, a line each; see
            :func:`fertools.protocols.check_lock`.
    """

    protocol: str
    classes: tuple[str, ...]
    lock_digest: str
    synthetic: bool
    model: str
    fusion: str
    mismatch: tuple[str, ...] = ()


def check_classes(classes: Sequence[str], path: Path) -> None:
    """Refuse a class list that is none.

    Raises:
        PredictionsError: If there are fewer than two, one is no name, or two are the same.
    """
    if not _are_classes(classes):
        raise PredictionsError(f"{path}: class list {_shown(list(classes))}; {_CLASSES}")


def encode_info(info: PredictionsInfo, path: Path) -> bytes:
    """The metadata of a file.

    Raises:
        PredictionsError: If a value is of another type than :class:`PredictionsInfo` says.
    """
    info_from_values(asdict(info), path, where="what it says about itself is wrong")
    values = {"schema_version": SCHEMA_VERSION, **asdict(info)}
    return json.dumps(values, sort_keys=True).encode()


def read_info(metadata: bytes, path: Path) -> PredictionsInfo:
    """Read the metadata of a file.

    Raises:
        PredictionsError: If it is no JSON, of another schema, or a value is missing or of another
            type.
    """
    where = "its metadata is damaged"
    try:
        values = json.loads(metadata)
        version = values.pop("schema_version")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PredictionsError(f"{path}: {where}; write it again") from error
    if version != SCHEMA_VERSION:
        raise PredictionsError(
            f"{path}: schema version {_shown(version)}; this fertools reads {SCHEMA_VERSION}"
        )
    return info_from_values(values, path, where=where)


def info_from_values(
    values: Mapping[str, Any], path: Path, *, where: str = "its metadata is damaged"
) -> PredictionsInfo:
    """Make the description of a table from plain values, each of which is checked.

    Args:
        values: Name to value; lists may stand for tuples.
        path: The file, for errors.
        where: How an error begins.

    Raises:
        PredictionsError: If a value is missing, unknown or of another type.
    """
    problem = _problem(values)
    if problem is not None:
        raise PredictionsError(f"{path}: {where}: {problem}; write it again")
    lists = {name: tuple(values.get(name, ())) for name in _LISTS}
    return PredictionsInfo(**{**values, **lists})


def _problem(values: Mapping[str, Any]) -> str | None:
    """The first value that is missing, unknown or of another type, in words."""
    names = {field.name for field in fields(PredictionsInfo)}
    if unknown := sorted(map(str, set(values) - names)):
        return f"{_shown(unknown[0])} is not known"
    if missing := sorted(names - set(values) - {"mismatch"}):
        return f"no {missing[0]!r}"
    for name in _TEXTS:
        if not (isinstance(values[name], str) and values[name].isprintable()):
            return f"{name!r} is {_shown(values[name])}, expected text in one line"
    if not isinstance(values["synthetic"], bool):
        return f"'synthetic' is {_shown(values['synthetic'])}, expected true or false"
    if not _are_classes(values["classes"]):
        return f"'classes' is {_shown(values['classes'])}, {_CLASSES}"
    lines = values.get("mismatch", ())
    if not (isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines)):
        return f"'mismatch' is {_shown(lines)}, expected a list of text"
    return None


def _are_classes(classes: object) -> bool:
    """Whether a value is a list of two or more different names."""
    if not isinstance(classes, list | tuple) or not all(map(is_name, classes)):
        return False
    return 2 <= len(classes) == len(set(classes))


def _shown(value: object) -> str:
    """A value for an error, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
