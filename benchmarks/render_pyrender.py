"""The yardstick of ``render.py``: a scan's views through pyrender, written as one fairly would.

Its renderer is made once and reused, with EGL's 4x multisampling; text is read by regular
expressions and numpy, as public readers of BU-3DFE do; the mesh goes to the card indexed and
without normals, which the flat shader does not need, and once a scan.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from render_stages import Clock, encode_ours

_LISTS = {
    "points": rb"Coordinate\s*\{\s*point\s*\[([^\]]*)\]",
    "uvs": rb"TextureCoordinate\s*\{\s*point\s*\[([^\]]*)\]",
    "corners": rb"\bcoordIndex\s*\[([^\]]*)\]",
    "uv_corners": rb"\btexCoordIndex\s*\[([^\]]*)\]",
}


def encode_pillow(picture: npt.NDArray[np.uint8]) -> bytes:
    """PNG as Pillow makes it if nothing is said."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


ENCODERS = {"Pillow": encode_pillow, "our encoder": encode_ours}


def read_list(raw: bytes, name: str, dtype: type) -> npt.NDArray[Any]:
    match = re.search(_LISTS[name], raw)
    assert match is not None
    text = match[1].replace(b",", b" ").decode()
    return np.fromstring(text, dtype=dtype, sep=" ")  # 1.5 times as quick as split and array


def fans(index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Triangles of polygons that are closed by -1."""
    ends = np.flatnonzero(index == -1)
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = ends - starts
    triangles = []
    for size in np.unique(sizes):
        first = starts[sizes == size]
        triangles += [
            np.stack([index[first], index[first + k], index[first + k + 1]], axis=1)
            for k in range(1, size - 1)
        ]
    return np.concatenate(triangles)


class PyrenderPipeline:
    """Draws scans and writes their pictures.

    Args:
        clock: Adds up what each stage takes.
        size: Width and height of a picture.
        window_mm: What it spans.
    """

    def __init__(self, clock: Clock, *, size: int, window_mm: float) -> None:
        import pyrender

        self.library: Any = pyrender
        self.clock = clock
        self.half = window_mm / 2
        self.renderer = pyrender.OffscreenRenderer(size, size)

    def run(
        self, wrl: Path, rotations: Sequence[npt.NDArray[np.float64]], out: Path, encoder: str
    ) -> None:
        """Draw the views of a scan and write them as PNG."""
        with self.clock.stage("read wrl"):
            raw = wrl.read_bytes()
            points = read_list(raw, "points", float).reshape(-1, 3)
            uvs = read_list(raw, "uvs", float).reshape(-1, 2)
            faces = fans(read_list(raw, "corners", int))
            uv_faces = fans(read_list(raw, "uv_corners", int))
        with self.clock.stage("read bmp"), Image.open(wrl.with_suffix(".bmp")) as picture:
            texture = np.asarray(picture.convert("RGB"))
        with self.clock.stage("mesh"):
            scene, node = self.scene(points, faces, uvs, uv_faces, texture)
            centre = (points.min(axis=0) + points.max(axis=0)) / 2
        encode = ENCODERS[encoder]
        for number, rotation in enumerate(rotations):
            with self.clock.stage("render"):
                pose = np.eye(4)
                pose[:3, :3] = rotation
                pose[:3, 3] = -rotation @ centre
                scene.set_pose(node, pose)
                flags = self.library.RenderFlags.FLAT
                colours, _ = self.renderer.render(scene, flags=flags)
            with self.clock.stage("encode"):
                data = encode(colours)
            with self.clock.stage("write"):
                (out / f"{wrl.stem}_{number}.png").write_bytes(data)

    def scene(
        self,
        points: npt.NDArray[np.float64],
        faces: npt.NDArray[np.int64],
        uvs: npt.NDArray[np.float64],
        uv_faces: npt.NDArray[np.int64],
        texture: npt.NDArray[np.uint8],
    ) -> tuple[Any, Any]:
        """A scene with one mesh, and the mesh's node."""
        from trimesh.visual.texture import unmerge_faces

        library = self.library
        corners, of_point, of_uv = unmerge_faces(faces, uv_faces)
        material = library.MetallicRoughnessMaterial(
            baseColorTexture=library.Texture(source=texture, source_channels="RGB"),
            doubleSided=True,
        )
        primitive = library.Primitive(
            positions=points[of_point],
            texcoord_0=uvs[of_uv],
            indices=corners,
            material=material,
            mode=library.GLTF.TRIANGLES,
        )
        scene = library.Scene(bg_color=np.array([0.0, 0.0, 0.0, 1.0]))
        eye = np.eye(4)
        eye[2, 3] = 500.0
        camera = library.OrthographicCamera(self.half, self.half, znear=1.0, zfar=1000.0)
        scene.add(camera, pose=eye)
        return scene, scene.add(library.Mesh([primitive]))
