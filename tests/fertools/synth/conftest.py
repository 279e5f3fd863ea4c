"""One tiny set of stand-ins for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fertools.synth import SynthesisSummary, synthesise_bu3dfe


@pytest.fixture(scope="session")
def standins(tmp_path_factory: pytest.TempPathFactory) -> SynthesisSummary:
    """Two subjects with every kind of file, made by two processes."""
    root = tmp_path_factory.mktemp("standins") / "bu3dfe"
    return synthesise_bu3dfe(root, subjects=2, seed=5, texture_size=64, workers=2)


@pytest.fixture(scope="session")
def scan_folder(standins: SynthesisSummary) -> Path:
    """The folder of the first subject."""
    return standins.root / "F0001"
