"""The shapes of :mod:`analytic_scenes` for all tests of this folder."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from fertools.geometry import FloatArray
from fertools.mesh import FaceScan

sys.path.insert(0, str(Path(__file__).parent))  # the tests import their scenes from beside them


@pytest.fixture(scope="session")
def head() -> tuple[FaceScan, FloatArray]:
    """A stand-in's cropped face, and its 83 landmarks."""
    if importlib.util.find_spec("anny") is None:
        pytest.skip("needs the extra 'synth'")
    from fertools.synth.landmarks import bnd_vertices
    from fertools.synth.sitting import invite, mesh_points, open_studio, pose_for

    studio = open_studio("8k", 64)
    sitter = invite(studio, [0, 0], male=False)
    shot = pose_for(studio, sitter, emotion="happiness", intensity=4)
    mesh = studio.topology.f3d
    points = mesh_points(mesh, sitter, shot, hair=False)
    grey = np.full((2, 2, 3), 128, np.uint8)
    scan = FaceScan(points, mesh.triangles[0], mesh.uvs, mesh.triangles[1], grey)
    return scan, points[bnd_vertices(mesh)]
