"""Stand-ins of RAF-DB's basic set, in the layout of its authors or of the copy on Kaggle.

Layout and names follow what public readers of the set expect: train names have five digits and test
names four, the list of labels does not end with a newline, boxes and points count in the originals.
The 37 points of ``Annotation/auto`` are our choice, since the scheme of the authors' detector is
not documented: of the iBUG scheme brows, nose, eyes, and four outer and two inner ones of the lips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError
from fertools.expressions import RAFDB_CODES
from fertools.formats.rafdb import CLASS_COUNTS
from fertools.synth.folder import Standin, check_range
from fertools.synth.plant import check_kinds
from fertools.synth.wild_set import (
    GENERATOR,
    IDENTITY_NOTE,
    Planned,
    WildSet,
    WildSummary,
    encode_picture,
    fill_wild_set,
    plan_identities,
    share_out,
)
from fertools.synth.wild_truth import GROUND_TRUTH

if TYPE_CHECKING:
    from fertools.synth.wild import Photograph

__all__ = ["ALIGNED_POINTS", "ALIGNED_SIZE", "align_face", "synthesise_rafdb"]

Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]
Images = Literal["both", "aligned"]
Layout = Literal["authors", "kaggle"]

ALIGNED_SIZE = 100
ALIGNED_POINTS: FloatArray = np.array(
    [[31.0, 38.0], [69.0, 38.0], [50.0, 58.0], [34.5, 77.0], [65.5, 77.0]]
)
"""Where eyes, nose tip and mouth corners of a frontal face lie in an aligned picture."""

_TAG = 2
_DIGITS = {"train": 5, "test": 4}
_LABEL_LIST = "EmoLabel/list_patition_label.txt"
_AUTO = np.array([*range(17, 48), 48, 51, 54, 57, 62, 66])
_RACES = (0.77, 0.08, 0.15)  # of the codes 0 to 2
_AGES = (0.05, 0.16, 0.55, 0.19, 0.05)  # of the codes 0 to 4
_MAX_PICTURES = {"train": 99_999, "test": 9_999}


def synthesise_rafdb(
    out: Path,
    *,
    train: int = 400,
    test: int = 120,
    seed: int = 0,
    images: Images = "both",
    layout: Layout = "authors",
    plant: Sequence[str] = (),
    workers: int = 1,
) -> WildSummary:
    """Write a stand-in of RAF-DB's basic set.

    Labels come in the shares of the real set, at least one of each in either split. Nobody is in
    both splits. What is true about every picture stands in ``ground_truth.parquet``: its points
    count in the original, and ``crop_matrix`` (two rows of three) takes them to the aligned one.

    Args:
        out: Folder to write to; made if need be. An unfinished one is finished.
        train: Pictures to train on.
        test: Pictures to test on.
        seed: The same seed gives the same bytes, whatever the number of workers.
        images: ``aligned`` leaves out the originals and the annotations, which count in them.
        layout: ``authors``, or the folders by label of the copy on Kaggle (aligned pictures only).
        plant: Kinds of faults that are planted at the end; see :mod:`fertools.synth.plant`.
        workers: Processes.

    Raises:
        MissingExtraError: If the head data are not installed.
        ConfigError: If an option is out of range, or the folder was made with other options.
        OutputError: If the folder holds something else or cannot be written.
    """
    check_range("train", train, len(RAFDB_CODES), _MAX_PICTURES["train"])
    check_range("test", test, len(RAFDB_CODES), _MAX_PICTURES["test"])
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("workers", workers, 1, 1024)
    if images not in ("both", "aligned"):
        raise ConfigError(f"images is {images!r}; expected both or aligned")
    if layout not in ("authors", "kaggle"):
        raise ConfigError(f"layout is {layout!r}; expected authors or kaggle")
    options = {"train": train, "test": test, "images": images, "layout": layout}
    standin = Standin(
        root=out,
        dataset="rafdb",
        seed=seed,
        generator=GENERATOR,
        size=("pictures", train + test),
        options=options,
        facts={"ground_truth": GROUND_TRUTH, "note": IDENTITY_NOTE},
        may_grow=False,
        planted=check_kinds(plant),
    )
    kaggle = ("train_labels.csv", "test_labels.csv")
    wild_set = WildSet(
        standin=standin,
        tag=_TAG,
        pictures=tuple(_plan(train, test, seed)),
        files=_files,
        save=_save,
        has_square_boxes=False,
        list_names=(_LABEL_LIST,) if layout == "authors" else kaggle,
        lists=_lists,
    )
    return fill_wild_set(wild_set, workers=workers)


def align_face(picture: Pixels, points: FloatArray) -> tuple[Pixels, FloatArray]:
    """Cut a face out by the similarity that takes five points nearest to the fixed places.

    Args:
        picture: Shape ``(H, W, 3)``.
        points: Shape ``(5, 2)``, pixels: eyes, nose tip and mouth corners.

    Returns:
        The aligned picture, and the ``(2, 3)`` matrix from old to new pixels.
    """
    import cv2
    from skimage.transform import SimilarityTransform

    matrix = SimilarityTransform.from_estimate(points, ALIGNED_POINTS).params[:2]
    fine = 4 if abs(np.linalg.det(matrix[:, :2])) < 1.0 else 1  # several samples a pixel
    half = np.array(
        [0.5, 0.5]
    )  # pixel centres lie at halves; the library has them at whole numbers
    warp = matrix * fine
    warp[:, 2] += warp[:, :2] @ half - half
    size = (ALIGNED_SIZE * fine, ALIGNED_SIZE * fine)
    cut = cv2.warpAffine(
        picture, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    small = cv2.resize(cut, (ALIGNED_SIZE, ALIGNED_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(small), np.asarray(matrix)


def _plan(train: int, test: int, seed: int) -> list[Planned]:
    """All pictures, in the order of the list of labels."""
    pictures: list[Planned] = []
    people = 0
    for number, (split, total) in enumerate((("train", train), ("test", test))):
        counts = share_out(total, CLASS_COUNTS[split], what=split)
        codes = np.repeat(np.arange(1, 8), counts)
        codes = np.random.default_rng([seed, _TAG, number, 30]).permutation(codes)
        names = [RAFDB_CODES[int(code)] for code in codes]
        who = plan_identities(names, first=people)
        people = max(who) + 1
        for index, (code, name, identity) in enumerate(zip(codes, names, who, strict=True)):
            stem = f"{split}_{index + 1:0{_DIGITS[split]}d}"
            pictures.append(Planned(stem, split, index, int(code), name, identity))
    return pictures


def _files(planned: Planned, options: Mapping[str, Any]) -> list[str]:
    """Names of a picture's files."""
    stem = planned.sample_id
    if options["layout"] == "kaggle":
        return [f"DATASET/{planned.split}/{planned.code}/{stem}_aligned.jpg"]
    aligned = f"Image/aligned/{stem}_aligned.jpg"
    if options["images"] == "aligned":
        return [aligned]
    return [
        aligned,
        f"Image/original/{stem}.jpg",
        f"Annotation/boundingbox/{stem}_boundingbox.txt",
        f"Annotation/auto/{stem}_auto_attri.txt",
        f"Annotation/manual/{stem}_manu_attri.txt",
    ]


def _save(
    planned: Planned, options: Mapping[str, Any], photograph: Photograph, row: dict[str, Any]
) -> list[bytes]:
    """Bytes of a picture's files."""
    from fertools.synth.ibug import five_points

    five = five_points(photograph.points)
    aligned, matrix = align_face(photograph.picture, five)
    row["crop_matrix"] = [float(value) for value in matrix.ravel()]
    contents = [encode_picture(aligned, ".jpg", quality=92)]
    if len(_files(planned, options)) == 1:
        return contents
    quality = photograph.conditions.jpeg_quality
    contents.append(encode_picture(photograph.picture, ".jpg", quality=quality))
    rng = np.random.default_rng([options["seed"], row["identity"], planned.index, 31])
    eyes = float(np.hypot(*(five[1] - five[0])))
    auto = photograph.points[_AUTO] + rng.normal(0, 0.015 * eyes, (len(_AUTO), 2))
    codes = _codes([options["seed"], _TAG, row["identity"]])
    lines = [f"{x:.6f}\t{y:.6f}\n" for x, y in five]
    contents.append((" ".join(f"{value:.6f}" for value in row["face_box"]) + "\n").encode())
    contents.append("".join(f"{x:.6f}\t{y:.6f}\n" for x, y in auto).encode())
    contents.append(("".join(lines) + "".join(f"{code}\n" for code in codes)).encode())
    return contents


def _codes(seed: list[int]) -> tuple[int, int, int]:
    """Gender, race and age code of a person, drawn without regard to the looks."""
    rng = np.random.default_rng([*seed, 32])
    gender = int(rng.choice(3, p=(0.47, 0.50, 0.03)))
    return gender, int(rng.choice(3, p=_RACES)), int(rng.choice(5, p=_AGES))


def _lists(
    pictures: Sequence[Planned], options: Mapping[str, Any], rows: Mapping[str, dict[str, Any]]
) -> list[bytes]:
    """Bytes of the lists of labels."""
    if options["layout"] == "authors":
        return ["\n".join(f"{p.sample_id}.jpg {p.code}" for p in pictures).encode()]
    tables = []
    for split in ("train", "test"):
        lines = [f"{p.sample_id}_aligned.jpg,{p.code}\n" for p in pictures if p.split == split]
        tables.append(("image,label\n" + "".join(lines)).encode())
    return tables
