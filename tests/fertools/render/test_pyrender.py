"""The software backend against an independent renderer: the same scans through OpenGL."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from fertools.errors import FertoolsError, MissingExtraError
from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.backends import Look, get_backend
from fertools.render.camera import Camera
from fertools.render.pyrender import _library
from fertools.render.scene import render_scan
from fertools.render.views import P1, P2, Turning, View

VIEWS = (*P1.views(""), *P2.views("")[::12], View("from behind", 160.0, 20.0))
ROTATIONS = [Turning().rotation(view) for view in VIEWS]
BACKGROUND = (3, 200, 31)  # no colour of a face
CAMERAS = {
    "parallel": Camera(96, 220.0),
    "parallel, moved": Camera(97, 180.0, None, (9.0, -5.0)),
    "perspective": Camera(96, 220.0, 500.0),
    "perspective, moved": Camera(96, 200.0, 400.0, (-7.0, 11.0)),
}
LOOKS = {
    "unlit": Look(background=BACKGROUND),
    "lambert": Look("lambert", 40.0, 20.0, 0.25, background=BACKGROUND),
}


@cache
def why_not_drawn() -> str | None:
    """Why OpenGL cannot draw here; None if it can."""
    try:
        tile = square(np.zeros((2, 2, 3), np.uint8))
        get_backend("pyrender")(tile, [np.eye(3)], [Camera(8, 2.0)], Look(), centre=np.zeros(3))
    except FertoolsError as error:
        return str(error)
    return None


@pytest.fixture
def opengl() -> None:
    """Skips where there is no pyrender or no OpenGL."""
    if (reason := why_not_drawn()) is not None:
        pytest.skip(reason)


def square(texture: npt.NDArray[np.uint8]) -> FaceScan:
    """A square of side 2 that shows the whole texture to the viewer."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return FaceScan(corners, faces, uvs, faces, texture)


def skin(size: int) -> npt.NDArray[np.uint8]:
    """Slow gradients, fine stripes and noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:size, :size] / size
    slow = np.stack([0.5 + 0.4 * np.sin(5 * x), 0.3 + 0.6 * y, 0.7 - 0.5 * x * y], axis=-1)
    fine = 0.1 * np.sin(90 * x)[..., None] + rng.normal(0, 0.03, (size, size, 3))
    return (255 * np.clip(slow + fine, 0, 1)).astype(np.uint8)


@cache
def dome() -> FaceScan:
    """A head-like dome with a nose and bumps; texture numbers are others than vertex numbers."""
    num = 80
    t, p = np.meshgrid(np.linspace(0.02, 1.9, num), np.linspace(0, 2 * np.pi, num), indexing="ij")
    x, y, z = np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)
    radius = 75 + 2 * np.sin(9 * x) * np.cos(8 * y) + 25 * np.exp(-30 * (x**2 + y**2)) * (z > 0)
    points = np.stack([0.85 * radius * x, 1.15 * radius * y, radius * z], -1).reshape(-1, 3)
    corner = (np.arange(num - 1)[:, None] * num + np.arange(num - 1)).ravel()
    upper = np.stack([corner, corner + num, corner + 1], axis=1)
    lower = np.stack([corner + 1, corner + num, corner + num + 1], axis=1)
    faces = np.concatenate([upper, lower]).astype(np.int32)
    uvs = np.stack([0.5 + 0.5 * x, 0.5 + 0.5 * y], -1).reshape(-1, 2)
    uv_faces = (len(uvs) - 1 - faces).astype(np.int32)
    return FaceScan(points, faces, uvs[::-1].copy(), uv_faces, skin(256))


@cache
def standin() -> FaceScan:
    """One stand-in of a person, without its files."""
    from fertools.synth.sitting import invite, mesh_points, open_studio, pose_for, take_picture

    try:
        studio = open_studio("8k", 256)
    except MissingExtraError as error:
        pytest.skip(str(error))
    sitter = invite(studio, [0, 0], male=False)
    shot = pose_for(studio, sitter, emotion="happiness", intensity=4)
    mesh = studio.topology.f3d
    points = mesh_points(mesh, sitter, shot, hair=False)
    picture = take_picture(studio, sitter, shot)
    return FaceScan(points, mesh.triangles[0], mesh.uvs, mesh.triangles[1], picture)


def draw_both(
    scan: FaceScan, rotations: list[FloatArray], camera: Camera, look: Look
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pictures of both backends."""
    drawn = [
        render_scan(scan, rotations, camera=camera, look=look, backend=name).pictures
        for name in ("software", "pyrender")
    ]
    return drawn[0].astype(int), drawn[1].astype(int)


@pytest.mark.usefixtures("opengl")
class TestTheSameScanThroughOpenGL:
    @pytest.mark.parametrize("make", [dome, standin])
    @pytest.mark.parametrize("light", LOOKS)
    @pytest.mark.parametrize("projection", CAMERAS)
    def test_has_the_same_colours_and_the_same_outline(
        self, make: object, light: str, projection: str
    ) -> None:
        assert callable(make)
        ours, theirs = draw_both(make(), ROTATIONS, CAMERAS[projection], LOOKS[light])
        face, their_face = (ours != BACKGROUND).any(-1), (theirs != BACKGROUND).any(-1)
        difference = np.abs(ours - theirs)[face & their_face]
        assert difference.mean() < 0.4
        assert np.percentile(difference, 99.5) <= 2
        assert (face != their_face).mean() < 0.0002
        assert 0.2 < face.mean() < 0.9

    @pytest.mark.parametrize("supersample", [1, 2, 3])
    def test_means_the_same_by_a_sample(self, supersample: int) -> None:
        look = Look(background=BACKGROUND, supersample=supersample)
        ours, theirs = draw_both(dome(), ROTATIONS, CAMERAS["parallel"], look)
        rim = (ours != BACKGROUND).any(-1) & (np.abs(ours - theirs).max(axis=-1) > 2)
        assert np.abs(ours - theirs).mean() < 0.2
        assert rim.mean() < 0.001

    @pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 2), (31, 33)])
    def test_reads_textures_of_any_shape_alike(self, shape: tuple[int, int]) -> None:
        texture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        ours, theirs = draw_both(square(texture), [np.eye(3)], Camera(33, 2.3), Look(supersample=1))
        assert np.abs(ours - theirs).max() <= 1

    def test_goes_on_with_another_size_and_another_scan(self) -> None:
        first = draw_both(dome(), ROTATIONS[:1], Camera(64, 220.0), Look())
        draw_both(square(skin(8)), ROTATIONS[:1], Camera(32, 3.0), Look())
        again = draw_both(dome(), ROTATIONS[:1], Camera(64, 220.0), Look())
        assert np.array_equal(first[1], again[1])

    def test_of_no_view_is_no_picture(self) -> None:
        assert len(draw_both(dome(), [], CAMERAS["parallel"], Look())[1]) == 0

    def test_is_refused_if_its_texture_is_too_large_for_opengl(self) -> None:
        scan = square(np.zeros((1, 70_000, 3), np.uint8))
        with pytest.raises(FertoolsError, match=r"refuses the scan's texture.*--backend software"):
            draw_both(scan, [np.eye(3)], Camera(8, 2.0), Look(supersample=1))


def test_a_platform_that_cannot_draw_is_one_line_with_a_remedy() -> None:
    pytest.importorskip("pyrender", exc_type=ImportError)
    code = """
import os, sys
os.environ["PYOPENGL_PLATFORM"] = "nonsense"
from fertools.errors import FertoolsError
from fertools.render.pyrender import _renderer
try:
    _renderer(8)
except FertoolsError as error:
    sys.exit(str(error))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "nonsense" in done.stderr
    assert "libegl1" in done.stderr


def test_without_pyrender_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrender", None)
    _library.cache_clear()
    with pytest.raises(MissingExtraError, match=r"fertools\[pyrender\]"):
        _library()
