"""The pyrender backend: the same pictures through OpenGL, to check the software backend against.

It shares nothing with that but the light on the vertices and the meaning of a camera. Each sample
is one fragment at its centre: OpenGL's own multisampling (coverage at other places, one colour a
pixel) is switched off, and ``supersample`` of 2 or 3 draws at that many times the size and takes
the mean. The texture is read bilinearly, without mipmaps and without gamma; both sides of the
surface are drawn. OpenGL may weight texels with eight bits only, so colours differ by 1 or 2.

``PYOPENGL_PLATFORM`` (``egl``, ``osmesa``) is heeded; unset, the first of the two that draws on
this machine is taken, for this process and those it starts. Renderers are kept until the process
ends, one a size: deleting one on EGL breaks the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from fertools.errors import FertoolsError, MissingExtraError
from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.backends import Look, register_backend
from fertools.render.camera import Camera
from fertools.render.rasteriser import vertex_normals
from fertools.render.software import light_on_vertices

__all__ = ["draw"]

_PLATFORMS = ("egl", "osmesa")
_PROBE = "import pyrender; pyrender.OffscreenRenderer(8, 8)"
_PROBE_SECONDS = 60
_CLAMP_TO_EDGE, _LINEAR = 33071, 9729  # OpenGL's numbers
_GAP_MM = 0.5  # between the face and the planes that cut the scene off


@register_backend("pyrender")
def draw(
    scan: FaceScan,
    rotations: Sequence[FloatArray],
    cameras: Sequence[Camera],
    look: Look,
    *,
    centre: FloatArray,
) -> npt.NDArray[np.uint8]:
    """Draw a scan from several views; see :class:`fertools.render.backends.Backend`.

    Raises:
        MissingExtraError: If pyrender is not installed.
        FertoolsError: If OpenGL cannot draw here, or refuses a picture or texture of this size.
        ScanError: If the scan reaches behind the eye of a perspective camera.
    """
    library = _library()
    size = cameras[0].image_size if cameras else 0
    pictures = np.empty((len(rotations), size, size, 3), np.uint8)
    material = _material(library, scan.texture)
    normals = vertex_normals(scan.vertices, scan.faces) if look.light == "lambert" else None
    for index, (rotation, camera) in enumerate(zip(rotations, cameras, strict=True)):
        camera.project(scan.vertices, rotation, centre)  # refuses what is behind the eye
        corners = (scan.vertices[scan.faces] - centre) @ rotation.T
        colours = None
        if normals is not None:
            light = light_on_vertices(normals, rotation, look)
            light = light[scan.faces, _seen_side(corners, camera)[:, np.newaxis]]
            colours = np.repeat(light.reshape(-1, 1), 3, axis=1)
        scene = library.Scene(bg_color=np.array([*look.background, 255]) / 255.0)
        scene.add(_mesh(library, scan, corners, colours, material))
        _add_camera(library, scene, camera, corners[..., 2], look.supersample)
        samples = _render(library, scene, size * look.supersample)
        pictures[index] = _mean_of_samples(samples, look.supersample)
    return pictures


def _material(library: Any, texture: npt.NDArray[np.uint8]) -> Any:
    """The texture as it is, in both directions of the surface."""
    sampler = library.Sampler(
        magFilter=_LINEAR, minFilter=_LINEAR, wrapS=_CLAMP_TO_EDGE, wrapT=_CLAMP_TO_EDGE
    )
    # four channels: OpenGL takes rows of a multiple of four bytes
    picture = library.Texture(source=texture, source_channels="RGBA", sampler=sampler)
    return library.MetallicRoughnessMaterial(
        baseColorTexture=picture, baseColorFactor=[1.0, 1.0, 1.0, 1.0], doubleSided=True
    )


def _seen_side(corners: FloatArray, camera: Camera) -> npt.NDArray[np.intp]:
    """0 for triangles that turn their front to the viewer, 1 for the others."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if camera.distance_mm is None:
        towards = normals[:, 2]
    else:
        towards = (normals * (np.array([0.0, 0.0, camera.distance_mm]) - corners[:, 0])).sum(axis=1)
    return np.where(towards > 0.0, 0, 1)


def _mesh(
    library: Any, scan: FaceScan, corners: FloatArray, colours: FloatArray | None, material: Any
) -> Any:
    """Triangles that share no corner, since each has its own texture coordinates and light."""
    primitive = library.Primitive(
        positions=corners.reshape(-1, 3),
        texcoord_0=scan.uvs[scan.uv_faces].reshape(-1, 2),
        color_0=colours,
        material=material,
        mode=library.GLTF.TRIANGLES,
    )
    return library.Mesh([primitive])


def _add_camera(
    library: Any, scene: Any, camera: Camera, depths: FloatArray, supersample: int
) -> None:
    """The camera, with what lies before and behind the face cut off."""
    lowest, highest = float(depths.min()), float(depths.max())
    right, up = camera.offset_mm
    eye = np.eye(4)
    eye[2, 3] = camera.distance_mm or highest + 2.0 * _GAP_MM
    planes = {
        "znear": eye[2, 3] - highest - _GAP_MM,
        "zfar": eye[2, 3] - lowest + _GAP_MM,
    }
    if camera.distance_mm is None:
        eye[:2, 3] = right, up
        half = camera.window_mm / 2.0
        scene.add(library.OrthographicCamera(xmag=half, ymag=half, **planes), pose=eye)
        return
    scale = camera.image_size * supersample / camera.window_mm
    middle = camera.image_size * supersample / 2.0
    focal = scale * camera.distance_mm
    lens = library.IntrinsicsCamera(
        fx=focal, fy=focal, cx=middle - scale * right, cy=middle + scale * up, **planes
    )
    scene.add(lens, pose=eye)


def _mean_of_samples(
    samples: npt.NDArray[np.uint8], supersample: int
) -> npt.NDArray[np.unsignedinteger]:
    """Pixels from their samples, to the nearest whole number."""
    side = len(samples) // supersample
    blocks = samples.reshape(side, supersample, side, supersample, 3)
    total = blocks.sum(axis=(1, 3), dtype=np.uint16)
    return np.asarray((total + supersample**2 // 2) // supersample**2)


def _render(library: Any, scene: Any, size: int) -> npt.NDArray[np.uint8]:
    """The picture of a scene, texture times light."""
    try:
        picture, _ = _renderer(size).render(scene, flags=library.RenderFlags.FLAT)
    except import_module("OpenGL.error").Error as error:
        raise FertoolsError(
            f"OpenGL refuses the scan's texture, or a picture of {size} pixels, as too large; use "
            "--backend software"
        ) from error
    return np.asarray(picture, dtype=np.uint8)


@cache
def _renderer(size: int) -> Any:
    """The process's renderer of pictures of a size, without multisampling."""
    try:
        renderer = _library().OffscreenRenderer(size, size)
        if renderer._platform.supports_framebuffers():  # else it has no multisampling
            _use_one_sample(renderer._renderer, size)
    except Exception as error:  # whatever ctypes, PyOpenGL and pyrender raise
        raise _no_opengl(_in_short(error)) from error
    return renderer


def _use_one_sample(renderer: Any, size: int) -> None:
    """Give pyrender's multisampled buffers one sample: it offers no option for that."""
    gl = import_module("OpenGL.GL")
    renderer._configure_main_framebuffer()
    buffers = {
        renderer._main_cb_ms: gl.GL_RGBA,
        renderer._main_db_ms: gl.GL_DEPTH_COMPONENT24,
    }
    for buffer, form in buffers.items():
        gl.glBindRenderbuffer(gl.GL_RENDERBUFFER, buffer)
        gl.glRenderbufferStorage(gl.GL_RENDERBUFFER, form, size, size)


@cache
def _library() -> Any:
    """The package pyrender, imported once it is known through what it can draw."""
    if find_spec("pyrender") is None:
        raise MissingExtraError("pyrender", "pyrender")
    if "PYOPENGL_PLATFORM" not in os.environ:
        os.environ["PYOPENGL_PLATFORM"] = _find_platform()
    try:
        return import_module("pyrender")
    except Exception as error:  # PyOpenGL looks for its libraries now
        raise _no_opengl(_in_short(error)) from error


def _find_platform() -> str:
    """The first platform that draws, tried in processes of their own: PyOpenGL loads only one."""
    for name in _PLATFORMS:
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PROBE],
                env={**os.environ, "PYOPENGL_PLATFORM": name},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            continue
        if done.returncode == 0:
            return name
    raise _no_opengl(f"neither {' nor '.join(_PLATFORMS)} makes a context")


def _no_opengl(reason: str) -> FertoolsError:
    """That nothing can be drawn, and what to install."""
    return FertoolsError(
        f"OpenGL cannot draw here ({reason}); install the Debian packages libegl1 libegl-mesa0 "
        "libgl1-mesa-dri, or libosmesa6, or use --backend software"
    )


def _in_short(error: Exception) -> str:
    """The platform, and an error in one line."""
    text = " ".join(str(error).split())[:120]
    return f"{os.environ.get('PYOPENGL_PLATFORM')}: {text or type(error).__name__}"
