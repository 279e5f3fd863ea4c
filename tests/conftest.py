"""What several tests share: a tiny folder in the layout of BU-3DFE, drawn from a dome."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the commands do
sys.path.insert(0, str(Path(__file__).parent))  # the tests import dataset_fakes from beside this

CODES = ("AN", "DI", "FE", "HA", "SA", "SU")
GRID = 12


def dome_wrl(bulge: float) -> str:
    """A dome of GRID x GRID vertices as VRML 2.0: quads, and texture numbers of their own."""
    g = np.linspace(-1.0, 1.0, GRID)
    x, y = np.meshgrid(g, g)
    z = bulge * np.sqrt(np.clip(2.0 - x**2 - y**2, 0.0, None))
    points = np.stack([70 * x, 85 * y, 45 * z], axis=-1).reshape(-1, 3)
    uvs = np.stack([(x + 1) / 2, (y + 1) / 2], axis=-1).reshape(-1, 2)
    quads = [
        (r * GRID + c, r * GRID + c + 1, (r + 1) * GRID + c + 1, (r + 1) * GRID + c)
        for r in range(GRID - 1)
        for c in range(GRID - 1)
    ]
    last = len(uvs) - 1  # texture coordinates are listed backwards: their numbers differ
    return "\n".join(
        [
            "#VRML V2.0 utf8",
            "# a comment with [ brackets ] and 1 2 3",
            'Shape { appearance Appearance { texture ImageTexture { url "other#name.bmp" } }',
            "geometry IndexedFaceSet { coord Coordinate { point [",
            ",\n".join(f"{a:.4f} {b:.4f} {c:.4f}" for a, b, c in points),
            "] } coordIndex [",
            ",\n".join(" ".join(map(str, q)) + " -1" for q in quads),
            "] texCoord TextureCoordinate { point [",
            ", ".join(f"{u:.5f} {v:.5f}" for u, v in uvs[::-1]),
            "] } texCoordIndex [",
            ", ".join(" ".join(str(last - i) for i in q) + " -1" for q in quads),
            "] } }",
        ]
    )


def write_dome_scan(folder: Path, stem: str, *, shade: int) -> None:
    """One F3D scan: mesh, texture and landmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}_F3D.wrl").write_text(dome_wrl(1.0 + shade / 1000))
    pixels = np.full((32, 48, 3), shade % 200 + 40, np.uint8)
    pixels[:16] = (200, 60, (shade * 7) % 256)
    Image.fromarray(pixels).save(folder / f"{stem}_F3D.bmp")
    inner = np.arange(GRID * GRID).reshape(GRID, GRID)[2:-2, 2:-2].ravel()
    picks = np.resize(inner, 83)
    rows = [
        line.split() for line in dome_wrl(1.0 + shade / 1000).split("point [\n")[1].split(",\n")
    ]
    lines = [f"{i}\t\t{' '.join(rows[i][:3])}" for i in picks]
    (folder / f"{stem}_F3D.bnd").write_text("\n".join(lines) + "\n")


@pytest.fixture
def make_bu3dfe() -> Callable[..., Path]:
    """A function that writes a tiny stand-in in BU-3DFE's layout."""

    def make(root: Path, *, subjects: int = 2, levels: tuple[int, ...] = (4,)) -> Path:
        for number in range(subjects):
            subject = f"{'FM'[number % 2]}{number // 2 + 1:04d}"
            for code_number, code in enumerate(CODES):
                for level in levels:
                    write_dome_scan(
                        root / subject,
                        f"{subject}_{code}{level:02d}WH",
                        shade=37 * number + 11 * code_number + level,
                    )
        (root / "SYNTHETIC.json").write_text(json.dumps({"seed": 0, "complete": True}))
        return root

    return make
