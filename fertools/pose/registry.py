"""The head-pose estimators: one file each in :mod:`fertools.pose.estimators`, found by name.

An estimator gets a batch of samples and gives rotations; all else, such as reading pictures, many
processes, resuming and writing tables, is done for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fertools.config import apply_sets, build_config
from fertools.errors import ConfigError
from fertools.geometry import FloatArray

__all__ = [
    "Estimator",
    "FaceBatch",
    "NoOptions",
    "PoseEstimates",
    "PoseEstimator",
    "Reads",
    "choose_options",
    "get_estimator",
    "list_estimators",
    "register_estimator",
]

Pixels = npt.NDArray[np.uint8]
Reads = Literal["landmarks", "pictures", "records"]
"""What an estimator looks at: the set's landmarks, the pictures, or what is written elsewhere."""


class NoOptions(BaseModel):
    """Of an estimator that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class FaceBatch:
    """What an estimator may look at, of N samples.

    Attributes:
        sample_ids: Their names.
        images: POSIX paths of their pictures, as in the manifest.
        sizes: Width and height of the pictures, shape ``(N, 2)``.
        landmarks: The set's own, ``(K, 2)`` each, pixels; None where a sample has none.
        boxes: The set's own boxes of faces ``(x0, y0, x1, y1)``, shape ``(N, 4)``; NaN where none.
        angles: The manifest's own yaw, pitch and roll, degrees, shape ``(N, 3)``; NaN where none.
        sources: Where those come from (``pose_source``); None where unknown.
        load: Decodes the n-th picture: RGB, shape ``(H, W, 3)``. It raises PictureError where
            that cannot be done, which an estimator lets pass.
    """

    sample_ids: Sequence[str]
    images: Sequence[str]
    sizes: npt.NDArray[np.int64]
    landmarks: Sequence[FloatArray | None]
    boxes: FloatArray
    angles: FloatArray
    sources: Sequence[str | None]
    load: Callable[[int], Pixels]

    def __len__(self) -> int:
        return len(self.sample_ids)


@dataclass(frozen=True)
class PoseEstimates:
    """What an estimator says of N samples.

    Attributes:
        rotations: Head to camera as in :mod:`fertools.geometry`, shape ``(N, 3, 3)``; NaN where
            there is no estimate.
        confidence: In [0, 1], shape ``(N,)``; NaN where there is no estimate. What it measures is
            the estimator's own affair and said in its documentation.
        num_faces: That were found in the picture, shape ``(N,)``; -1 where nobody looked.
        reasons: Why there is no estimate, in a few words that are the same for all of a kind;
            None where there is one.
    """

    rotations: FloatArray
    confidence: FloatArray
    num_faces: npt.NDArray[np.int64]
    reasons: Sequence[str | None]

    @classmethod
    def empty(cls, size: int, *, reason: str) -> PoseEstimates:
        """No estimate at all; fill in what is found (``reasons`` is a list)."""
        return cls(
            np.full((size, 3, 3), np.nan),
            np.full(size, np.nan),
            np.full(size, -1, dtype=np.int64),
            [reason] * size,
        )


class PoseEstimator(Protocol):
    """An estimator that is ready to work."""

    @property
    def version(self) -> str:
        """All that decides its angles: versions, digests of weights and files, in one line."""
        ...

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Head poses of a batch of any size; the result of a sample does not depend on others.

        Raises:
            PictureError: If a picture cannot be read.
        """
        ...


@dataclass(frozen=True)
class Estimator:
    """A registered estimator.

    Attributes:
        name: As on the command line.
        title: In a line.
        reads: What it looks at.
        reference: Whom to cite.
        options: Pydantic model of what the user chooses.
        open: Makes it ready, once a process.
    """

    name: str
    title: str
    reads: Reads
    reference: str
    options: type[BaseModel]
    open: Callable[[Any], PoseEstimator]


_ESTIMATORS: dict[str, Estimator] = {}
_Open = Callable[[Any], PoseEstimator]


def register_estimator(
    *,
    name: str,
    title: str,
    reads: Reads,
    reference: str,
    options: type[BaseModel] = NoOptions,
) -> Callable[[_Open], _Open]:
    """Decorate the function that opens an estimator; see :class:`Estimator`.

    Raises:
        ValueError: If the name is taken.
    """

    def register(function: _Open) -> _Open:
        if name in _ESTIMATORS:
            raise ValueError(f"the estimator {name!r} is registered twice")
        _ESTIMATORS[name] = Estimator(name, title, reads, reference, options, function)
        return function

    return register


def list_estimators() -> list[str]:
    """Names of all estimators, sorted."""
    _import_all()
    return sorted(_ESTIMATORS)


def get_estimator(name: str) -> Estimator:
    """An estimator by its name.

    Raises:
        ConfigError: If there is none of that name.
    """
    _import_all()
    if name not in _ESTIMATORS:
        raise ConfigError(f"unknown pose estimator {name!r}; expected one of {_names()}")
    return _ESTIMATORS[name]


def choose_options(
    name: str, *, file: Path | None = None, sha256: str | None = None, sets: Sequence[str] = ()
) -> BaseModel:
    """Options of an estimator as the command line gives them.

    Args:
        name: Of the estimator.
        file: Its field ``file``: a model, a declaration, or a table of angles.
        sha256: Its field ``sha256``: what that file must be.
        sets: Other fields, ``key=value`` each.

    Raises:
        ConfigError: If there is no such estimator, or it has no such option.
    """
    entry = get_estimator(name)
    values: dict[str, Any] = {}
    for key, value in (("file", file), ("sha256", sha256)):
        if value is None:
            continue
        if key not in entry.options.model_fields:
            raise ConfigError(f"--{key}: the estimator {name} has no such option")
        values[key] = value
    values = apply_sets(values, sets)
    for key, about in entry.options.model_fields.items():
        if about.is_required() and key not in values:
            how = f"--{key}" if key == "file" else f"--set {key}=…"
            raise ConfigError(f"the estimator {name} needs {how}: {about.description or key}")
    return build_config(entry.options, values, source=f"estimator {name}")


def _names() -> str:
    """All names, for messages."""
    return ", ".join(list_estimators())


@cache
def _import_all() -> None:
    """Import every module of the folder, which registers what it holds."""
    for path in sorted((Path(__file__).parent / "estimators").glob("[!_]*.py")):
        import_module(f"fertools.pose.estimators.{path.stem}")
