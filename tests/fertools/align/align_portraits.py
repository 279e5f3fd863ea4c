"""What the portraits of these tests are."""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt
import pytest

from fertools.geometry import FloatArray

Portraits = dict[str, tuple[npt.NDArray[np.uint8], FloatArray]]
"""Name to picture and its 68 landmarks."""

SIDE = 160
ANGLES = {"frontal": (0.0, 0.0, 0.0), "tilted": (10.0, 0.0, 20.0), "turned": (-35.0, 5.0, 0.0)}
"""Name to yaw, pitch and roll."""


def need_detector() -> None:
    """Skip where the extra is missing."""
    for package in ("torch", "facenet_pytorch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("needs the extra 'zoo'")
