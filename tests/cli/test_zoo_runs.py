"""``zoo train`` and ``zoo evaluate``: what is searched, marked, checked and shared."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from cli.zoo_app import app
from fertools.manifest import write_manifest
from fertools.protocols import load_protocol, lock_protocol, read_lock, read_pool, write_lock

PROTOCOL = load_protocol("rafdb")


def make(folder: Path, *, light: str = "even") -> Path:
    """An invented RAF-DB with its lock; a tested picture is a brighter copy of a trained one."""
    folder.mkdir()
    rows = []
    for number in range(28):
        name = f"{'train' if number < 14 else 'test'}_{number % 14:04d}"
        noise = np.random.default_rng(number if number != 17 else 3).normal(0, 400, (48, 48, 3))
        pixels = 128 + cv2.GaussianBlur(noise, (0, 0), 3) + 9 * (number == 17)
        data = cv2.imencode(".png", np.clip(pixels, 0, 255).astype(np.uint8))[1].tobytes()
        (folder / f"{name}.png").write_bytes(data)
        rows.append(
            {
                "sample_id": name,
                "image": f"{name}.png",
                "dataset": "rafdb",
                "expression": PROTOCOL.classes[number % 7],
                "split": name.partition("_")[0],
                "width": 48,
                "height": 48,
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )
    path = folder / "manifest.parquet"
    write_manifest(
        path, pd.DataFrame(rows), dataset="rafdb", synthetic=True, config={"light": light}
    )
    lock = lock_protocol(PROTOCOL, read_pool(PROTOCOL, {"train": path, "test": path}))
    write_lock(folder / "rafdb.lock.json", lock)
    return folder


def zoo(command: str, data: Path, run: Path, *words: str) -> Result:
    at = ["--data", f"train={data}", "--data", f"test={data}", "--run", str(run)]
    return CliRunner().invoke(app, [command, "gms_lpa_tiny", "--protocol", "rafdb", *at, *words])


QUICK = ("--recipe", "demo", "--set", "epochs=1", "--set", "data.input_size=24")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    folder = tmp_path_factory.mktemp("zoo")
    data = make(folder / "data")
    return data, folder / "run", zoo("train", data, folder / "run", *QUICK)


def test_a_training_searches_copies_first(trained: tuple[Path, Path, Result]) -> None:
    _, run, result = trained
    assert result.exit_code == 0, result.output
    assert "leaks: 1 by near-duplicate; listed, not refused" in result.stderr
    leaks = pd.read_csv(run / "protocol.leaks.csv")
    assert leaks[["train", "test"]].to_numpy().tolist() == [["train_0003", "test_0003"]]


def test_an_evaluation_counts_leaks_checks_batches_and_shares(
    trained: tuple[Path, Path, Result],
) -> None:
    data, run, _ = trained
    result = zoo("evaluate", data, run, "--check-invariance", "--public")
    assert result.exit_code == 0, result.output
    results = json.loads((run / "results.json").read_text())
    assert results["leaks"]["counts"] == {"near-duplicate": 1}
    assert "LEAKS: 1 tested pictures are trained on, by near-duplicate" in result.stdout
    assert "never trained on" not in result.stdout
    assert "one at a time against sorted, 64 at once: 0 of 14 labels differ" in result.stdout
    assert (run / "report.html").is_file()
    for name in ("predictions.public.parquet", "lock.public.json"):
        assert b"test_0" not in (run / "public" / name).read_bytes()


def test_leaks_can_be_left_out_of_a_training(
    tmp_path: Path, trained: tuple[Path, Path, Result]
) -> None:
    data, _, _ = trained
    result = zoo("train", data, tmp_path / "run", *QUICK, "--exclude-leaks")
    assert result.exit_code == 0, result.output
    assert "1 training samples left out" in result.stderr
    lock = read_lock(tmp_path / "run" / "protocol.lock.json")
    assert [one.sample for one in lock.excluded] == ["train_0003"]
    tested = zoo("evaluate", data, tmp_path / "run", "--json")
    assert tested.exit_code == 0, tested.output
    assert json.loads(tested.stdout)["leaks"]["counts"] == {}
    assert json.loads(tested.stdout)["leaks"]["num_excluded"] == 1


def test_other_data_than_locked_are_refused_or_marked(
    tmp_path: Path, trained: tuple[Path, Path, Result]
) -> None:
    _, run, _ = trained
    other = make(tmp_path / "other", light="dim")
    refused = zoo("evaluate", other, run)
    assert refused.exit_code == 1
    assert "made otherwise, in light" in refused.stderr
    allowed = zoo("evaluate", other, run, "--allow-mismatch", "--check-invariance")
    assert allowed.exit_code == 0, allowed.output
    assert "0 of 14 labels differ" in allowed.stdout
    assert "NOT AS LOCKED: the pictures of train were made otherwise, in light" in allowed.stdout
    assert "NOT AS LOCKED" in (run / "report.html").read_text(encoding="utf-8")
