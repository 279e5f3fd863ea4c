"""The data home: where data sets, what is made from them, and runs are looked for.

``$FERTOOLS_DATA`` (else ``./data``) holds ``raw/NAME`` (licensed sets, a link will do),
``standin/NAME`` (made by ``fertools synth``, used only where ``raw/NAME`` is absent) and
``derived/NAME``. Runs go to ``$FERTOOLS_RUNS``, else ``./runs``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import DatasetError
from fertools.regular_files import open_regular

__all__ = [
    "LICENCES",
    "DatasetRoot",
    "data_home",
    "derived_dir",
    "describe_root",
    "find_dataset",
    "find_derived",
    "runs_home",
    "standin_dir",
]

LICENCES = {
    "bu3dfe": "ask Binghamton University (Prof. Lijun Yin) for BU-3DFE",
    "multipie": "buy a licence for Multi-PIE from Carnegie Mellon University",
    "rafdb": "ask the authors of RAF-DB (Prof. Weihong Deng, BUPT) as an institution",
    "affectnet": "ask the authors of AffectNet (Prof. Mohammad Mahoor, Denver) as an institution",
}
"""How each set is asked for."""

_MAX_MARKER_BYTES = 1_000_000


@dataclass(frozen=True)
class DatasetRoot:
    """A folder that holds one data set as its authors ship it.

    Attributes:
        dataset: ``bu3dfe``, ``multipie``, ``rafdb`` or ``affectnet``.
        path: The folder.
        synthetic: Whether SYNTHETIC.json says that it is a stand-in.
        marker: That file; None for a licensed set.
    """

    dataset: str
    path: Path
    synthetic: bool
    marker: Path | None = None


def data_home() -> Path:
    """``$FERTOOLS_DATA``, else ``data`` in the current folder."""
    return Path(os.environ.get("FERTOOLS_DATA") or "data")


def runs_home() -> Path:
    """``$FERTOOLS_RUNS``, else ``runs`` in the current folder."""
    return Path(os.environ.get("FERTOOLS_RUNS") or "runs")


def derived_dir(name: str) -> Path:
    """The folder of something made from a data set, such as ``bu3dfe-p1``."""
    return data_home() / "derived" / name


def find_derived(path: Path) -> Path:
    """A path as it is or, where there is nothing, the folder in ``derived`` of that name.

    Example:
        >>> find_derived(Path("no-such-place/at/all")).as_posix()
        'no-such-place/at/all'
    """
    named = derived_dir(path.name)
    return named if path.parts == (path.name,) and not path.exists() and named.is_dir() else path


def standin_dir(dataset: str) -> Path:
    """The folder of the open stand-in of a data set."""
    return data_home() / "standin" / dataset


def describe_root(dataset: str, path: Path) -> DatasetRoot:
    """Tell a stand-in from the real set by SYNTHETIC.json at its root, or above it.

    Args:
        dataset: Its name.
        path: Its folder, or one within it: ``standin/multipie/data`` is a stand-in too.

    Raises:
        DatasetError: If SYNTHETIC.json is there but damaged, or says that it is not complete.
    """
    markers = [place / "SYNTHETIC.json" for place in (path, *path.resolve().parents)]
    marker = next((place for place in markers if os.path.lexists(place)), None)
    if marker is None:
        return DatasetRoot(dataset, path, synthetic=False)
    try:
        with open_regular(marker) as stream:
            values = json.loads(stream.read(_MAX_MARKER_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"{marker}: is not readable JSON; make the stand-in again: 'fertools synth {dataset}'"
        ) from error
    if not isinstance(values, dict) or values.get("complete") is not True:
        raise DatasetError(
            f"{marker.parent}: this stand-in is half made; start its 'fertools synth {dataset}' "
            "again, it goes on where it stopped"
        )
    return DatasetRoot(dataset, path, synthetic=True, marker=marker)


def find_dataset(dataset: str, path: Path | None = None) -> DatasetRoot:
    """Find a data set: at a given path, else below the data home.

    Args:
        dataset: Its name.
        path: Where the user says it is; then nowhere else is looked.

    Returns:
        ``raw/NAME`` if it is there, else ``standin/NAME``.

    Raises:
        DatasetError: If it is nowhere, or the folder is empty. The error says where it was looked
            for, how a licence is asked for, and how a stand-in is made.
    """
    at_home = [data_home() / "raw" / dataset, standin_dir(dataset)]
    places = at_home if path is None else [path]
    for place in places:
        if os.path.lexists(place) and not os.path.isdir(place):  # noqa: PTH112 - never raises
            what = "a link that leads nowhere" if place.is_symlink() else "no folder"
            raise DatasetError(
                f"{place}: is {what}; expected the unpacked {dataset} data set, or a link to it"
            )
        if place.is_dir():
            if not any(place.iterdir()):
                raise DatasetError(f"{place}: the folder is empty; {_remedy(dataset)}")
            return describe_root(dataset, place)
    if path is not None:
        raise DatasetError(f"{path}: is not a folder; expected an unpacked {dataset} data set")
    looked = " and ".join(str(place) for place in places)
    raise DatasetError(f"no {dataset} data set: looked in {looked}; {_remedy(dataset)}")


def _remedy(dataset: str) -> str:
    """How to get the data set, or its stand-in."""
    return (
        f"{LICENCES[dataset]} and put it (or a link) in {data_home() / 'raw' / dataset}, or make "
        f"an open stand-in with 'fertools synth {dataset}'"
    )
