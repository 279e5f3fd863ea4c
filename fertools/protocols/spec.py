"""A protocol's declaration: one YAML that names everything that changes a number."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError, ProtocolError
from fertools.expressions import EXPRESSIONS

__all__ = ["Protocol", "SubjectKFold", "list_protocols", "load_protocol"]

_MARKER = "FERTOOLS_PROTOCOLS"


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SubjectKFold(_Strict):
    """Folds by subject: sorted, shuffled by seed, cut into groups of equal size within one."""

    method: Literal["subject-k-fold"]
    folds: int = Field(ge=2, le=100)
    seed: int = Field(ge=0)


class Expectation(_Strict):
    """Published counts of the licensed set."""

    samples: int = Field(ge=1)
    subjects: int | None = Field(default=None, ge=1)


class Protocol(_Strict):
    """One declared protocol.

    Attributes:
        name: The file's stem.
        version: Raised whenever a result could change.
        title: One line for people.
        reference: The paper that defines it.
        dataset: Which set its samples come from.
        derived: Folder of its manifest below the data home's ``derived``.
        task: ``expression``.
        classes: Canonical expressions; the index is the label.
        views: ``view_id`` of the samples that take part; None takes all.
        split: How folds are made.
        expect: Counts of the full licensed set.
        metrics: What is reported.
        primary_metric: What is compared first.
        digest: SHA-256 of the YAML file, hexadecimal; filled in by the reader.
    """

    name: str
    version: int = Field(ge=1)
    title: str
    reference: str
    dataset: str
    derived: str
    task: Literal["expression"]
    classes: tuple[str, ...] = Field(min_length=2)
    views: tuple[str, ...] | None = None
    split: SubjectKFold
    expect: Expectation
    metrics: tuple[Literal["accuracy", "uar", "macro_f1"], ...]
    primary_metric: Literal["accuracy", "uar", "macro_f1"]
    digest: str

    @field_validator("classes")
    @classmethod
    def _known(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in classes if name not in EXPRESSIONS]
        if unknown or len(set(classes)) != len(classes):
            raise ValueError(f"expected different names out of {', '.join(EXPRESSIONS)}")
        return classes

    @model_validator(mode="after")
    def _reported(self) -> Protocol:
        if self.primary_metric not in self.metrics:
            raise ValueError("'primary_metric' must be one of 'metrics'")
        return self


def list_protocols() -> list[str]:
    """Names of the protocols that come with the tool, sorted."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def load_protocol(name: str) -> Protocol:
    """Read a protocol by name, or from a path that ends in ``.yaml``.

    Raises:
        ProtocolError: If there is none of that name (near names are offered), or its file has an
            unknown, missing or wrong key, or a name unlike its path.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
    else:
        path = _folder() / f"{name}.yaml"
        if name not in list_protocols():
            near = difflib.get_close_matches(name, list_protocols(), n=3, cutoff=0.4)
            hint = f"did you mean {', '.join(near)}?" if near else "see 'fertools protocols list'"
            raise ProtocolError(f"unknown protocol {name!r}; {hint}")
    try:
        values = read_yaml(path)
        if "digest" in values:
            raise ProtocolError(f"{path}: 'digest': is computed, not declared; remove the key")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        protocol = build_config(Protocol, {**values, "digest": digest}, source=str(path))
    except ConfigError as error:
        raise ProtocolError(str(error)) from error
    if protocol.name != path.stem:
        raise ProtocolError(
            f"{path}: 'name': is {protocol.name!r}, expected the file's own {path.stem!r}"
        )
    return protocol


def _folder() -> Path:
    """The top-level folder ``protocols``, found without importing it."""
    spec = importlib.util.find_spec("protocols")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        if (Path(place) / _MARKER).is_file():
            return Path(place)
    raise ProtocolError(
        f"the folder of protocols was not found: a package named 'protocols' without {_MARKER} "
        f"stands in its place ({places or 'nowhere'}); give fertools an environment of its own"
    )
