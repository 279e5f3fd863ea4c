"""A small set with pictures on the disk, locked so that everyone is tested once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image

from fertools.manifest import Manifest, read_manifest, write_manifest
from fertools.pictures import read_facts
from fertools.protocols import Lock, Pool, Protocol, load_protocol, lock_protocol, read_pool

Pixels = npt.NDArray[np.uint8]

SUBJECTS = ("S1", "S2", "S3", "S4")
EXPRESSIONS = ("anger", "happiness")
TAKES = ("", "2")
CLASSES = {"name": "small", "version": 1, "title": "Small", "reference": "none"}
CLASSES |= {"task": "expression", "classes": EXPRESSIONS, "metrics": ["accuracy"]}
CLASSES |= {"primary_metric": "accuracy"}
SAMPLES = {"dataset": "bu3dfe", "derived": "none"}
PARTS = {"method": "parts"} | {
    side: SAMPLES | {"where": {"split": [side]}} for side in ("train", "val", "test")
}


def blobs(seed: int) -> Pixels:
    """A picture with structure, as pale as skin: blurred noise."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(30, 190, (9, 9, 1)) + rng.uniform(0, 25, (9, 9, 3))
    smooth = cv2.resize(noise.astype(np.float32), (160, 160), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


@dataclass
class Small:
    """Four people with four pictures each: ``S1_anger``, ``S1_anger2``, ``S1_happiness``, …"""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "images").mkdir(parents=True)
        names = [
            f"{who}_{what}{take}" for who in SUBJECTS for what in EXPRESSIONS for take in TAKES
        ]
        for seed, name in enumerate(names):
            self.save(name, blobs(seed))
        rows = [
            {"sample_id": name, "subject_id": name[:2], "expression": name[3:].rstrip("2")}
            for name in names
        ]
        frame = pd.DataFrame(rows).assign(dataset="bu3dfe")
        self.frame = frame.assign(image=[f"images/{name}.png" for name in names])

    def save(self, name: str, pixels: Pixels) -> None:
        """Write or replace a picture."""
        Image.fromarray(pixels).save(self.folder / f"images/{name}.png")

    def pixels(self, name: str) -> Pixels:
        return np.asarray(Image.open(self.folder / f"images/{name}.png"))

    @property
    def manifest(self) -> Manifest:
        return read_manifest(self.folder)

    def record(self) -> Manifest:
        """Write the manifest of the files as they are."""
        facts = [read_facts(self.folder / image) for image in self.frame["image"]]
        for name in ("width", "height", "sha256"):
            self.frame[name] = [getattr(fact, name) for fact in facts]
        return write_manifest(
            self.folder / "manifest.parquet",
            self.frame,
            dataset="bu3dfe",
            synthetic=True,
            config={},
        )

    def protocol(self, split: dict[str, Any] | None = None) -> Protocol:
        """Everyone tested once by folds of our own; or another split."""
        folds = {"method": "subject-k-fold", "samples": SAMPLES, "folds": 4, "seed": 0}
        path = self.folder / "small.yaml"
        path.write_text(json.dumps({**CLASSES, "split": split or folds}))
        return load_protocol(str(path))

    def locked(self, split: dict[str, Any] | None = None) -> tuple[Lock, Pool]:
        """The folds of the files as they are."""
        protocol, path = self.protocol(split), self.record().path
        pool = read_pool(protocol, dict.fromkeys(protocol.selections, path))
        return lock_protocol(protocol, pool), pool

    def official(self, **sides: str) -> tuple[Lock, Pool]:
        """The authors' split: S4 is tested, S3 chosen by, unless ``sides`` says otherwise."""
        side = {"S1": "train", "S2": "train", "S3": "val", "S4": "test"}
        self.frame["split"] = self.frame["subject_id"].map(side)
        for name, value in sides.items():
            self.frame.loc[self.frame["sample_id"] == name, "split"] = value
        return self.locked(PARTS)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "set")


@pytest.fixture
def picture() -> Callable[[int], Pixels]:
    return blobs
