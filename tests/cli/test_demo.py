from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra 'zoo' is not installed")

DEMO = [sys.executable, "-P", "-m", "cli.fertools_app", "demo", "--subjects", "5", "--workers", "2"]


def run(home: Path, seed: int = 0) -> subprocess.CompletedProcess[str]:
    command = [*DEMO, "--seed", str(seed), "--set", "epochs=1", "--out", str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


@pytest.mark.slow
def test_the_demo_goes_the_whole_way_and_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first = run(tmp_path)
    assert first.returncode == 0, first.stderr
    run_dir = tmp_path / "runs" / "bu3dfe-p1-5fold" / "gms_lpa_tiny" / "seed0"
    results = json.loads((run_dir / "results.json").read_text())
    assert results["synthetic"] is True
    assert f"accuracy  {results['accuracy']:.1%} on 120 pictures" in first.stdout
    assert "chance    16.7%" in first.stdout
    assert first.stderr.count("  $ ") == 6  # every stage is printed as an ordinary command
    report = (run_dir / "report.html").read_text()
    assert re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?!data:|#)[\w./]""", report) is None

    # the same lines that the demo printed, into another run folder: the same predictions
    lines = [line[4:] for line in first.stderr.splitlines() if line.startswith("  $ zoo ")]
    for line in lines:
        words = line.replace("seed0", "again").split()[1:]
        subprocess.run(
            [sys.executable, "-P", "-m", "cli.zoo_app", *words], check=True, capture_output=True
        )
    again = run_dir.with_name("again") / "fold0" / "predictions.parquet"
    assert again.read_bytes() == (run_dir / "fold0" / "predictions.parquet").read_bytes()

    second = run(tmp_path)
    assert second.returncode == 0, second.stderr
    assert "0 of 120 scans rendered now" in second.stdout


def test_the_demo_refuses_too_few_people() -> None:
    done = subprocess.run([*DEMO[:-4], "--subjects", "4"], capture_output=True, check=False)
    assert done.returncode == 2
