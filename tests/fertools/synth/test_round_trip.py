"""Every synthesised layout: made, indexed, verified, and nothing is wrong with it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fertools.formats.registry import get_dataset
from fertools.home import describe_root
from fertools.index import index_dataset
from fertools.synth.affectnet import synthesise_affectnet
from fertools.synth.multipie import synthesise_multipie
from fertools.synth.rafdb import synthesise_rafdb
from fertools.verify import verify_manifest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("anny") is None, reason="needs the extra 'synth'"
)

MAKERS: dict[str, tuple[str, Callable[..., object], dict[str, Any]]] = {
    "rafdb": ("rafdb", partial(synthesise_rafdb, train=8, test=7), {}),
    "rafdb, original": (
        "rafdb",
        partial(synthesise_rafdb, train=8, test=7),
        {"images": "original"},
    ),
    "rafdb, kaggle": ("rafdb", partial(synthesise_rafdb, train=8, test=7, layout="kaggle"), {}),
    "affectnet, 2017": ("affectnet", partial(synthesise_affectnet, train=12, val=12), {}),
    "affectnet, new": (
        "affectnet",
        partial(synthesise_affectnet, train=12, val=12, release="new"),
        {},
    ),
    "multipie": (
        "multipie",
        partial(synthesise_multipie, subjects=2, cameras=("05_1", "24_0")),
        {"select": "all"},
    ),
}


@pytest.mark.parametrize("layout", MAKERS)
def test_a_stand_in_is_indexed_and_found_sound(layout: str, tmp_path: Path) -> None:
    name, make, options = MAKERS[layout]
    make(tmp_path / "set", seed=3)
    dataset = get_dataset(name)
    root = describe_root(name, tmp_path / "set")
    summary = index_dataset(dataset, root, tmp_path / "out", dataset.options(**options))
    frame = summary.manifest.frame
    assert summary.manifest.info.synthetic
    assert not summary.faults
    assert set(frame["pose_source"]) == {"ground_truth"}
    assert frame[["yaw_deg", "pitch_deg", "roll_deg"]].notna().all(axis=None)
    assert verify_manifest(summary.manifest).num_faults == 0
