"""AffectNet: the release of 2017 with CSV lists, and the newer one with a few .npy a picture.

2017: ``training.csv`` and ``validation.csv`` (the latter often without a head) name pictures below
``Manually_Annotated_Images``; the ending on the disk may differ from the list's, so a picture is
found by its stem. Newer: ``train_set/images/<N>.jpg`` with ``annotations/<N>_exp.npy`` and others.

Reference:
    Mollahosseini, Hasani and Mahoor, "AffectNet: a database for facial expression, valence, and
    arousal computing in the wild", IEEE Transactions on Affective Computing 10(1), 2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fertools.errors import DatasetError
from fertools.expressions import AFFECTNET_CODES, SEVEN_EXPRESSIONS
from fertools.formats.affectnet_2017 import find_release_2017, read_release_2017
from fertools.formats.affectnet_new import find_release_new, read_release_new
from fertools.formats.registry import Opened, PublishedCount, register_dataset

__all__ = ["TRAIN_COUNTS", "AffectnetOptions", "open_affectnet"]

TRAIN_COUNTS = (74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750, 33088, 11645, 82415)
"""Published numbers of training rows with codes 0 to 10."""

_SOURCE = "the authors' training.csv and validation.csv, and lists made from them"


class AffectnetOptions(BaseModel):
    """What of AffectNet is taken.

    Attributes:
        release: ``2017`` (CSV lists), ``new`` (.npy annotations), or ``auto``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: Literal["auto", "2017", "new"] = "auto"


def _counts(_: AffectnetOptions) -> tuple[PublishedCount, ...]:
    """Of seven classes, of eight, and of each class."""
    seven = {"expression": SEVEN_EXPRESSIONS}
    totals = (
        PublishedCount("train, seven classes", {"split": ("train",), **seven}, (283901,), _SOURCE),
        PublishedCount("train, eight classes", {"split": ("train",)}, (287651,), _SOURCE),
        PublishedCount("val, seven classes", {"split": ("val",), **seven}, (3500,), _SOURCE),
        PublishedCount("val, eight classes", {"split": ("val",)}, (4000, 3999), _SOURCE),
    )
    classes = [
        PublishedCount(
            f"{split}, {AFFECTNET_CODES[code]}",
            {"split": (split,), "expression": (AFFECTNET_CODES[code],)},
            accepted,
            _SOURCE,
        )
        for split in ("train", "val")
        for code, number in enumerate(TRAIN_COUNTS[: len(AFFECTNET_CODES)])
        for accepted in [(number,) if split == "train" else (500, 499) if code == 7 else (500,)]
    ]
    return (*totals, *classes)


@register_dataset(
    name="affectnet",
    title="AffectNet, manually annotated part",
    reference="Mollahosseini, Hasani and Mahoor, IEEE TAC 10(1), 2019",
    licence="for non-commercial research, on request by an institution",
    expressions=tuple(sorted(AFFECTNET_CODES.values())),
    options=AffectnetOptions,
    counts=_counts,
)
def open_affectnet(root: Path, options: AffectnetOptions) -> Opened:
    """Tell the two releases apart; see :mod:`fertools.formats.affectnet`.

    Raises:
        DatasetError: If neither is found, or both are and no release is chosen.
    """
    old = find_release_2017(root) if options.release != "new" else None
    new = find_release_new(root) if options.release != "2017" else None
    if old is not None and new is not None:
        raise DatasetError(
            f"{root}: holds two releases, {old.lists['train']} and {new.folders['train']}; choose "
            "one with --release 2017 or --release new"
        )
    if old is not None:
        return Opened(old.layout, old.base, read_release_2017(old))
    if new is not None:
        return Opened(new.layout, new.base, read_release_new(new))
    wanted = {
        "auto": "neither training.csv and validation.csv nor train_set and val_set",
        "2017": "no training.csv and validation.csv",
        "new": "no train_set and val_set",
    }[options.release]
    raise DatasetError(
        f"{root}: {wanted} here or one level below; expected AffectNet with its archives unpacked. "
        f"Is yours another layout? 'fertools doctor affectnet --root {root}' describes it for us"
    )
