from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fertools.manifest import Manifest, write_manifest
from fertools.metrics import PredictionsInfo, write_predictions
from fertools.protocols import (
    Exclusion,
    Protocol,
    load_protocol,
    lock_protocol,
    read_pool,
    write_lock,
)
from fertools.protocols.lock import sealed


def _manifest(path: Path, protocol: Protocol, *, synthetic: bool) -> Manifest:
    """Five people, all classes, every view of the protocol, one level: grey 8-pixel pictures."""
    import cv2

    views = protocol.selections["samples"].where["view_id"]
    rows = []
    for person in range(5):
        for expression in protocol.classes:
            for number, view in enumerate(views):
                name = f"F{person:04d}_{expression}_{view}"
                image = path.parent / "images" / f"{name}.png"
                image.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.full((8, 8), 10 * len(rows) % 251, dtype=np.uint8)
                cv2.imwrite(str(image), pixels)
                rows.append(
                    {
                        "sample_id": name,
                        "image": f"images/{name}.png",
                        "dataset": protocol.selections["samples"].dataset,
                        "subject_id": f"F{person:04d}",
                        "expression": expression,
                        "intensity": 4,
                        "yaw_deg": 15.0 * number,
                        "pitch_deg": 0.0,
                        "view_id": view,
                        "width": 8,
                        "height": 8,
                        "sha256": hashlib.sha256(name.encode()).hexdigest(),
                    }
                )
    return write_manifest(
        path,
        pd.DataFrame(rows),
        dataset=protocol.selections["samples"].dataset,
        synthetic=synthetic,
        config={"n": 1},
    )


@pytest.fixture(scope="module")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a run folder with a lock, predictions of some folds, settings and pictures."""

    def make(
        name: str,
        *,
        synthetic: bool = True,
        folds: tuple[int, ...] = (0, 1, 2, 3, 4),
        manifest_name: str | None = None,
        model: str = "gms_lpa_tiny",
        skill: float = 1.5,
        mismatch: tuple[str, ...] = (),
        left_out: int = 0,
    ) -> Path:
        home = tmp_path_factory.mktemp(name)
        run = home / "run"
        protocol = load_protocol("bu3dfe-p1-5fold")
        manifest = _manifest(home / "data" / "m.parquet", protocol, synthetic=True)
        lock = lock_protocol(protocol, read_pool(protocol, {"samples": manifest.path}))
        if not synthetic:  # a licensed set is locked only at its full size
            manifest = _manifest(manifest.path, protocol, synthetic=False)
            licensed = tuple(replace(source, synthetic=False) for source in lock.sources)
            lock = sealed(replace(lock, synthetic=False, sources=licensed))
        if left_out:  # training samples of fold 0
            fold = lock.folds[0]
            out = [Exclusion(0, name, "file", "a" * 64) for name in fold.train[:left_out]]
            fold = replace(fold, train=fold.train[left_out:])
            lock = sealed(replace(lock, folds=(fold, *lock.folds[1:]), excluded=tuple(out)))
        info = PredictionsInfo(
            protocol.name, protocol.classes, lock.digest, synthetic, model, "mean", mismatch
        )
        rng = np.random.default_rng([1])
        frame = manifest.frame.set_index("sample_id", drop=False)
        for fold in folds:
            rows = frame.loc[list(lock.folds[fold].test)].reset_index(drop=True)
            table = rows[["sample_id", "subject_id", "view_id", "yaw_deg", "pitch_deg"]].assign(
                fold=fold,
                label=rows["sample_id"].map(lock.labels),
                intensity=rows["intensity"],
                expression=rows["expression"],
                found=rng.random(len(rows)) > 0.05,
            )
            logits = rng.normal(size=(len(rows), len(lock.classes)))
            logits[np.arange(len(rows)), table["label"]] += skill
            scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            for column, expression in enumerate(lock.classes):
                table[f"score_{expression}"] = scores[:, column].astype(np.float32)
            write_predictions(run / f"fold{fold}" / "predictions.parquet", table, info)
        write_lock(run / "protocol.lock.json", lock)
        config = f"seed: 3\npretrained: false\nmanifest: {manifest_name or manifest.path}\n"
        (run / "config.yaml").write_text(config + "selection: final epoch\n<b>key</b>: <i>1</i>\n")
        (run / "environment.json").write_text(json.dumps({"python": "3.11", "torch": "2.9"}))
        return run

    return make
