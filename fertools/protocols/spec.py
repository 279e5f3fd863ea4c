"""A protocol's declaration: one YAML that names everything that changes a number."""

from __future__ import annotations

import difflib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError, DatasetError, ProtocolError
from fertools.expressions import EXPRESSIONS
from fertools.formats.folders import read_names
from fertools.jobs import text_digest

__all__ = [
    "Parts",
    "Protocol",
    "Selection",
    "Split",
    "SubjectKFold",
    "UnseenView",
    "list_protocols",
    "load_protocol",
]

_MARKER = "FERTOOLS_PROTOCOLS"
Metric = Literal["accuracy", "accuracy_mean_over_views", "uar", "macro_f1"]


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Selection(_Strict):
    """Samples of one manifest.

    Attributes:
        dataset: What the manifest must be of.
        derived: Folder of the manifest below the data home's ``derived``.
        where: Column to the values that take part, such as ``{split: [train]}``.
        members: Folder of another manifest in ``derived``, such as that of a pose split: only its
            samples take part. The pictures are still the first manifest's, aligned ones perhaps.
        rename: Expression to the one that it counts as, such as ``{smile: happiness}``.
        ids: A text file beside the YAML with a ``sample_id`` a line: only these take part, and all
            of them must be there.
        expect: Number of samples of the licensed set, or the numbers that sources give; another
            number is an error. Left out where nobody knows it, as in a split that one cut oneself.
        subjects: Number of subjects, likewise.
    """

    dataset: str
    derived: str
    where: Mapping[str, Annotated[tuple[str | int, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    members: str | None = None
    rename: Mapping[str, str] = Field(default_factory=dict)
    ids: str | None = None
    expect: tuple[int, ...] | None = None
    subjects: int | None = Field(default=None, ge=1)

    @field_validator("expect", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        return (value,) if isinstance(value, int) else value

    @field_validator("rename")
    @classmethod
    def _names(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        unknown = [name for pair in value.items() for name in pair if name not in EXPRESSIONS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(EXPRESSIONS)}")
        return value

    @field_validator("ids")
    @classmethod
    def _beside(cls, value: str | None) -> str | None:
        if value is not None and (Path(value).name != value or value in ("", ".", "..")):
            raise ValueError("expected the name of a file beside the YAML")
        return value


class SubjectKFold(_Strict):
    """Folds by subject: sorted, shuffled by seed, cut into groups of equal size within one.

    Attributes:
        method: ``subject-k-fold``.
        samples: Who takes part.
        folds: How many.
        seed: Of the shuffle.
        stratify: A column that every subject has one value of; its values are shared out evenly.
        validation_subjects: So many of each fold's training subjects are set apart, to choose a
            model by; 0 sets none apart.
    """

    method: Literal["subject-k-fold"]
    samples: Selection
    folds: int = Field(ge=2, le=100)
    seed: int = Field(ge=0)
    stratify: Literal["sex", "ethnicity"] | None = None
    validation_subjects: int = Field(default=0, ge=0)

    @property
    def selections(self) -> dict[str, Selection]:
        """Role to who plays it."""
        return {"samples": self.samples}


class UnseenView(_Strict):
    """Every view in turn is tested by every fold of subjects, and trained on by nobody.

    Attributes:
        method: ``unseen-view``.
        samples: Who takes part.
        folds: Of subjects; there are as many fits as folds times views.
        seed: Of the shuffle.
    """

    method: Literal["unseen-view"]
    samples: Selection
    folds: int = Field(ge=2, le=100)
    seed: int = Field(ge=0)

    @property
    def selections(self) -> dict[str, Selection]:
        """Role to who plays it."""
        return {"samples": self.samples}


class Parts(_Strict):
    """One fit on given parts: the authors' split, lists of one's own, or two data sets.

    Attributes:
        method: ``parts``.
        train: Who is trained on.
        test: Who is tested.
        val: Who a model may be chosen by.
    """

    method: Literal["parts"]
    train: Selection
    test: Selection
    val: Selection | None = None

    @property
    def selections(self) -> dict[str, Selection]:
        """Role to who plays it."""
        roles = {"train": self.train, "test": self.test}
        return roles if self.val is None else {**roles, "val": self.val}


Split = Annotated[SubjectKFold | UnseenView | Parts, Field(discriminator="method")]


class Protocol(_Strict):
    """One declared protocol.

    Attributes:
        name: The file's stem.
        version: Raised whenever a result could change.
        title: One line for people.
        reference: The paper that defines it.
        task: ``expression``.
        classes: Canonical expressions; the index is the label. Samples of others take no part.
        split: Who is trained on and who is tested.
        not_found: Whether a sample in which no face was found is an error of the method, or is
            left out of all figures, which is then said beside them.
        metrics: What is reported.
        primary_metric: What is compared first.
        digest: SHA-256 over all that decides a number: every key but ``title`` and ``reference``,
            and the content of the lists it names. Comments and the order of keys do not count.
            Hexadecimal; filled in by the reader.
        folder: Where the YAML is; filled in by the reader.
    """

    name: str
    version: int = Field(ge=1, strict=True)
    title: str
    reference: str
    task: Literal["expression"]
    classes: tuple[str, ...] = Field(min_length=2)
    split: Split
    not_found: Literal["error", "excluded"] = "error"
    metrics: tuple[Metric, ...]
    primary_metric: Metric
    digest: str
    folder: Path = Field(exclude=True)

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
        if len(set(self.metrics)) != len(self.metrics):
            raise ValueError("'metrics' names one twice")
        return self

    @property
    def selections(self) -> dict[str, Selection]:
        """Role (``samples``, or ``train``, ``test`` and ``val``) to who plays it."""
        return self.split.selections

    def listed(self, role: str) -> tuple[str, ...]:
        """The names in the list of a role, which must have one.

        Raises:
            ProtocolError: If the list is missing or damaged.
        """
        ids = self.selections[role].ids
        if ids is None:
            raise ValueError(f"role {role!r} has no list")
        try:
            return read_names(self.folder / ids)
        except DatasetError as error:
            raise ProtocolError(str(error)) from error


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
        for key in ("digest", "folder"):
            if key in values:
                raise ProtocolError(f"{path}: {key!r}: is computed, not declared; remove the key")
        computed = {"digest": "", "folder": path.parent}
        protocol = build_config(Protocol, {**values, **computed}, source=str(path))
    except ConfigError as error:
        raise ProtocolError(str(error)) from error
    if protocol.name != path.stem:
        raise ProtocolError(
            f"{path}: 'name': is {protocol.name!r}, expected the file's own {path.stem!r}"
        )
    return protocol.model_copy(update={"digest": _digest(protocol)})


def _digest(protocol: Protocol) -> str:
    """SHA-256 over what a protocol says, as sorted JSON, and over its lists."""
    said = protocol.model_dump(mode="json", exclude={"title", "reference", "digest"})
    lists = {
        role: protocol.listed(role)
        for role, selection in protocol.selections.items()
        if selection.ids is not None
    }
    return text_digest(json.dumps({"protocol": said, "lists": lists}, sort_keys=True))


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
