"""Tiny folders in the layouts of the four sets, with invented values and a person's own things."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HASH = "0123456789abcdef" * 3 + "01234567"
VRML = """#VRML V2.0 utf8 {free}
# {free}
WorldInfo {{ title "{free}" info ["{free}" "b"] }}
DEF {word} Shape {{ appearance Appearance {{ texture ImageTexture {{ url "{free}.bmp" }} }}
geometry IndexedFaceSet {{ ccw TRUE {word} FALSE coord Coordinate {{ point [
0 0 0, 1 0 0,
0 1 0, 1 1 1.25
] }} coordIndex [ 0, 1, 2, -1, 1, 3, 2, -1 ]
texCoord TextureCoordinate {{ point [ 0 0, 1 0, 0 1, 1 1 ] }}
texCoordIndex [ 1, 0, 2, -1, 0, 3, 2, -1 ]
}} }}
"""


def picture(path: Path, free: str = "", *, size: tuple[int, int] = (12, 10)) -> None:
    """A grey picture with text in its EXIF data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = exif[0x8298] = free
    Image.new("RGB", size, (120, 110, 100)).save(path, exif=exif if free else None)


def text(path: Path, content: str) -> None:
    """A text file as it stands, with its line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8", "replace"))


def make_bu3dfe(root: Path, name: str, free: str, word: str) -> None:
    for code in ("AN01", "NE00", "HA04"):
        stem = f"F0001_{code}WH"
        for mesh in ("F3D", "RAW"):
            content = VRML.format(free=free.replace('"', "'").replace("\\", "/"), word=word)
            text(root / "F0001" / f"{stem}_{mesh}.wrl", content)
        lines = [f"{i % 4}\t\t{i}.5 2.25 -3" for i in range(83)]
        text(root / "F0001" / f"{stem}_F3D.bnd", "\r\n".join(lines) + "\r\n")
        text(root / "F0001" / f"{stem}_RAW.pse", f"1 2 3 {free}\n")
        picture(root / "F0001" / f"{stem}_F3D.bmp")
    text(root / name / f"{name}_AN01WH_F3D.wrl", f"#VRML V2.0 utf8\n{free}\n")
    text(root / "F0002" / "F0002_XX01WH_F3D.wrl", "#VRML V2.0 utf8\n")
    text(root / f"F0003 {name}" / "a.wrl", free)


def make_multipie(root: Path, name: str, free: str, word: str) -> None:
    for camera in ("05_1", "13_0"):
        for subject in ("001", "002"):
            stem = f"{subject}_01_01_{camera.replace('_', '')}_07"
            folder = root / "data" / "session01" / "multiview" / subject / "01" / camera
            picture(folder / f"{stem}.png", free)
    picture(root / "data" / "session01" / name / f"{name}.jpg", free)
    text(root / "meta" / "subject_list.txt", f"001 1980 {word} 1 0 0 0\n{free}\n")
    import scipy.io

    labels = root / "MPie_Labels" / "labels" / "051"
    labels.mkdir(parents=True)
    values = {"pts": np.zeros((68, 2)), "".join(c for c in word if c.isascii()) or "a": 1.0}
    scipy.io.savemat(labels / "001_01_01_051_07_lm.mat", values)
    (labels / "002_01_01_051_07_lm.mat").write_bytes(free.encode("utf-8", "replace"))


def make_rafdb(root: Path, name: str, free: str, word: str) -> None:
    lines = ["train_00001.jpg 5", "train_00002.jpg 3", f"train_00003.jpg {word}", f"{free} 4"]
    text(root / "EmoLabel" / "list_patition_label.txt", "\n".join(lines))
    for number in (1, 2, 3):
        picture(root / "Image" / "aligned" / f"train_{number:05d}_aligned.jpg", free)
    picture(root / "Image" / "original" / f"{name}.jpg", free)
    manual = root / "Annotation" / "manual"
    text(manual / "train_00001_manu_attri.txt", "1\t2\n" * 5 + f"{free}\n{word}\n2\n")
    text(root / name / f"{name}.txt", free)
    text(root / f"{name}.{word}", free)


def make_affectnet(root: Path, name: str, free: str, word: str) -> None:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["subDirectory_filePath", *"abcdefg", word])
    points = ";".join(["1.5"] * 136)
    for number in range(3):
        rows.writerow([f"1/{HASH}.jpg", number, 2, 3, 4, points, word, 0.5, free])
    text(root / "Manually_Annotated_file_lists" / "training.csv", out.getvalue())
    picture(root / "Manually_Annotated_Images" / "1" / f"{HASH}.jpg", free)
    picture(root / "Manually_Annotated_Images" / name / f"{name}.png", free)
    notes = root / "train_set" / "annotations"
    notes.mkdir(parents=True)
    np.save(notes / "0_exp.npy", np.array(free or "3"))
    np.save(notes / "0_lnd.npy", np.zeros(136, np.float32))
    kind = np.dtype([("".join(c for c in word if c.isascii()) or "a", "f4")])
    np.save(notes / "1_val.npy", np.zeros(2, kind))
    picture(root / "train_set" / "images" / "0.jpg", free)


MAKERS: dict[str, Callable[[Path, str, str, str], None]] = {
    "bu3dfe": make_bu3dfe,
    "multipie": make_multipie,
    "rafdb": make_rafdb,
    "affectnet": make_affectnet,
}


@pytest.fixture(scope="session")
def make_set() -> Callable[..., Path]:
    """A function that writes a set: ``name`` in names, ``free`` as text, ``word`` as a value."""

    def make(
        dataset: str, root: Path, *, name: str = "b", free: str = "c", word: str = "d"
    ) -> Path:
        MAKERS[dataset](root, name, free, word)
        return root

    return make
