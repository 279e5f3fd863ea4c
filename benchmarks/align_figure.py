"""The template of ``fertools align`` on a stand-in's crop: docs/images/align_template.png."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from align_pictures import draw_portraits, picture_path
from PIL import Image

from fertools.align.mtcnn import load_mtcnn
from fertools.align.recipe import AlignConfig
from fertools.align.scales import ScaledPicture
from fertools.align.template import place_face, template_points, warp
from fertools.render.sheet import mark_landmarks

SIZE, MARGIN, NUMBER = 420, 0.1, 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/align_template.png"))
    parser.add_argument("--number", type=int, default=NUMBER, help="which portrait")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for name in ("1024", "100"):
            (root / name).mkdir()
        draw_portraits((root, [options.number]))
        path = picture_path(root, "1024", options.number)
        picture = ScaledPicture.open(path, path.read_bytes())
        (face,) = load_mtcnn(AlignConfig().thresholds).detect([picture.at(1)], [60])[0]
        placement = place_face(face.points, face.box, size=SIZE, margin=MARGIN)
        if placement is None:
            raise SystemExit("no face was found")
        crop = warp(picture, placement, size=SIZE, border=(0, 0, 0))
    canvas = mark_landmarks(crop, template_points(SIZE, MARGIN), np.ones(5, dtype=np.bool_))
    low = round(SIZE * MARGIN / (1 + 2 * MARGIN))
    cv2.rectangle(canvas, (low, low), (SIZE - low, SIZE - low), (255, 200, 40), 1)
    Image.fromarray(canvas).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
