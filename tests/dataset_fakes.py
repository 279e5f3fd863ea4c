"""Tiny folders in the authors' layouts, with invented values: one function a layout."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from fertools.expressions import MULTIPIE_RECORDINGS
from fertools.formats.multipie import CAMERA_YAWS

HEAD = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal"
)


def picture(number: int, suffix: str = "jpg", size: tuple[int, int] = (12, 10)) -> bytes:
    """A small picture, another one for every number."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    kinds = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "tif": "TIFF", "bmp": "BMP"}
    buffer = io.BytesIO()
    image.save(buffer, format=kinds[suffix.lower()])
    return buffer.getvalue()


def put(path: Path, data: bytes | str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def multipie(root: Path, *, subjects: int = 2, prefix: str = "data/") -> int:
    """The authors' layout with the paper's pictures; how many samples of the paper there are."""
    number = 0
    for subject in range(1, subjects + 1):
        for (session, recording), _ in MULTIPIE_RECORDINGS.items():
            for camera in CAMERA_YAWS:
                stem = f"{subject:03d}_{session:02d}_{recording:02d}_{camera.replace('_', '')}_07"
                number += 1
                folder = f"session{session:02d}/multiview/{subject:03d}/{recording:02d}/{camera}"
                put(root / f"{prefix}{folder}/{stem}.png", picture(number, "png"))
    return subjects * 6 * 7


def multipie_bare(root: Path) -> int:
    """Without the folder data."""
    return multipie(root, subjects=1, prefix="")


def multipie_deeper(root: Path) -> int:
    """One level deeper."""
    return multipie(root, subjects=1, prefix="Multi-Pie/data/")


def multipie_repacked(root: Path) -> int:
    """As some users have it: only the names are the authors'."""
    number = 0
    for (session, recording), expression in MULTIPIE_RECORDINGS.items():
        for camera in CAMERA_YAWS:
            stem = f"002_{session:02d}_{recording:02d}_{camera.replace('_', '')}_07"
            number += 1
            put(root / f"002/{camera}/{expression.title()}/{number}/{stem}.jpg", picture(number))
    return 6 * 7


RAFDB_LABELS = {f"train_{n:05d}": n for n in range(1, 8)} | {
    f"test_{n:04d}": 8 - n for n in range(1, 8)
}


def rafdb(root: Path, kinds: tuple[str, ...] = ("aligned", "original")) -> int:
    """The authors' layout; no line end after the last line."""
    lines = [f"{stem}.jpg {label}" for stem, label in RAFDB_LABELS.items()]
    put(root / "basic/EmoLabel/list_patition_label.txt", "\n".join(lines))
    for number, stem in enumerate(RAFDB_LABELS):
        if "aligned" in kinds:
            put(root / f"basic/Image/aligned/{stem}_aligned.jpg", picture(number))
        if "original" in kinds:
            put(root / f"basic/Image/original/{stem}.jpg", picture(number + 100, size=(40, 30)))
        points = "".join(f"{10 + k}.5\t{12 + k}.25\n" for k in range(5))
        put(root / f"basic/Annotation/manual/{stem}_manu_attri.txt", f"{points}1\n2\n3\n")
        box = "5.5 6.25 30.0 28.75\n"
        put(root / f"basic/Annotation/boundingbox/{stem}_boundingbox.txt", box)
    return len(RAFDB_LABELS)


def rafdb_original(root: Path) -> int:
    """With original pictures only."""
    return rafdb(root, ("original",))


def rafdb_kaggle(root: Path) -> int:
    """The Kaggle copy."""
    rows: dict[str, list[str]] = {"train": ["image,label"], "test": ["image,label"]}
    for number, (stem, label) in enumerate(RAFDB_LABELS.items()):
        split = stem.split("_")[0]
        put(root / f"DATASET/{split}/{label}/{stem}_aligned.jpg", picture(number))
        rows[split].append(f"{stem}_aligned.jpg,{label}")
    for split, lines in rows.items():
        put(root / f"{split}_labels.csv", "\n".join(lines) + "\n")
    return len(RAFDB_LABELS)


def affectnet_row(path: str, code: int | str, *, number: int = 0, points: int = 68) -> str:
    """One row of a list."""
    marks = ";".join(f"{number + k}.{k % 10}" for k in range(2 * points))
    return f"{path},3,4,100,110,{marks},{code},-0.25,0.5"


def affectnet(root: Path, *, head_of_validation: bool = False, images: str | None = None) -> int:
    """The release of 2017; the validation list has no head, endings differ."""
    images = images or "Manually_Annotated_compressed/Manually_Annotated_Images"
    suffixes = ("jpg", "png", "JPG", "jpeg", "tif")
    number = 0
    for name, codes in (("training", range(11)), ("validation", range(8))):
        lines = [HEAD] if name == "training" or head_of_validation else []
        for code in codes:
            number += 1
            stem = f"{number:056x}"
            lines.append(affectnet_row(f"{number % 3}/{stem}.jpg", code, number=number))
            suffix = suffixes[number % len(suffixes)]
            put(root / images / f"{number % 3}/{stem}.{suffix}", picture(number, suffix))
        put(root / f"Manually_Annotated_file_lists/{name}.csv", "\n".join(lines) + "\n")
    return 16


def affectnet_with_head(root: Path) -> int:
    """Both lists with a head, other folder of pictures."""
    images = "Manually_Annotated/Manually_Annotated_Images"
    return affectnet(root, head_of_validation=True, images=images)


def affectnet_new(root: Path, *, val: str = "val_set") -> int:
    """The newer release; some labels are 0-d arrays of text, numbers have gaps."""
    number = 0
    for folder in ("train_set", val):
        for code in range(8):
            number += 1 + (code == 3)
            put(root / folder / f"images/{number}.jpg", picture(number))
            label = np.array(str(code)) if code % 2 else np.array(code)
            values = {"exp": label, "val": np.array(-0.5), "aro": np.array("0.25")}
            values["lnd"] = np.arange(136, dtype=np.float64) + number
            for ending, value in values.items():
                buffer = io.BytesIO()
                np.save(buffer, value)
                put(root / folder / f"annotations/{number}_{ending}.npy", buffer.getvalue())
    return 16


def affectnet_valid_set(root: Path) -> int:
    """As some users call the validation part."""
    return affectnet_new(root, val="valid_set")


def bu3dfe_rendered(root: Path) -> int:
    """Pictures of our own names, and the frontal ones of the set; a texture is none of them."""
    for number, view in enumerate(("yaw00", "yaw30", "pan+15_tilt-30")):
        put(root / f"F0001/F0001_AN04_{view}.png", picture(number, "png"))
    put(root / "M0002/M0002_NE00WH_F2D.bmp", picture(9, "bmp"))
    put(root / "M0002/M0002_NE00WH_F3D.bmp", picture(10, "bmp"))
    return 4


FAKES: dict[str, tuple[str, Callable[[Path], int]]] = {
    "multipie": ("multipie", multipie),
    "multipie, no data/": ("multipie", multipie_bare),
    "multipie, deeper": ("multipie", multipie_deeper),
    "multipie, repacked": ("multipie", multipie_repacked),
    "rafdb": ("rafdb", rafdb),
    "rafdb, original": ("rafdb", rafdb_original),
    "rafdb, kaggle": ("rafdb", rafdb_kaggle),
    "affectnet": ("affectnet", affectnet),
    "affectnet, heads": ("affectnet", affectnet_with_head),
    "affectnet, new": ("affectnet", affectnet_new),
    "affectnet, valid_set": ("affectnet", affectnet_valid_set),
    "bu3dfe-rendered": ("bu3dfe-rendered", bu3dfe_rendered),
}
"""Layout to data set and the function that writes it; every registered set must be here."""
