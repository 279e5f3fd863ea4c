"""How the four sets are laid out by their authors, as patterns of paths.

Sources: the sets' own documentation, and public code that reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LAYOUTS", "SETS", "FileKind"]


@dataclass(frozen=True)
class FileKind:
    """A kind of file that a set is known to hold.

    Attributes:
        title: What it is called in a report.
        pattern: Matches the whole path below the root. Of its named groups the number of
            different values is counted, such as cameras.
    """

    title: str
    pattern: re.Pattern[str]


def _kind(title: str, pattern: str) -> FileKind:
    """A kind whose path may lie in any folder."""
    return FileKind(title, re.compile(rf"(?:.*/)?{pattern}", re.IGNORECASE | re.ASCII))


_PICTURE = r"\.(?:jpg|jpeg|png|tif|tiff|bmp)"
_SUBJECT_FOLDER = r"(?P<subject>[FM]\d{4})/(?P=subject)"
_SCAN = (
    rf"{_SUBJECT_FOLDER}_(?P<expression>AN|DI|FE|HA|NE|SA|SU)(?P<intensity>0[0-4])"
    r"(?P<ethnicity>WH|BL|LA|AE|AM|IN)"
)
_MULTIPIE = (
    r"(?P<subject>\d{3})_(?P<session>0[1-4])_(?P<recording>\d\d)_(?P<camera>\d{3})"
    r"_(?P<illumination>\d\d)"
)

LAYOUTS: Mapping[str, tuple[FileKind, ...]] = MappingProxyType(
    {
        "bu3dfe": (
            _kind("F3D mesh", rf"{_SCAN}_F3D\.wrl"),
            _kind("F3D landmarks (.bnd)", rf"{_SCAN}_F3D\.bnd"),
            _kind("texture", rf"{_SCAN}_F3D\.(?:bmp|png)"),
            _kind("RAW mesh", rf"{_SCAN}_RAW\.wrl"),
            _kind("RAW pose points (.pse)", rf"{_SCAN}_RAW\.pse"),
            _kind("frontal picture (F2D)", rf"{_SCAN}_F2D\.(?:bmp|png)"),
        ),
        "multipie": (
            _kind(
                "picture",
                r"session0[1-4]/multiview/\d{3}/\d\d/\d\d_\d/" + _MULTIPIE + r"\.(?:png|jpg)",
            ),
            _kind("picture in another folder", _MULTIPIE + r"\.(?:png|jpg)"),
            _kind("landmarks (_lm.mat)", _MULTIPIE + r"_lm\.mat"),
            _kind("landmarks (.pos)", _MULTIPIE + r"\.pos"),
            _kind("list of subjects", r"meta/subject_list\.txt"),
            _kind("picture of high resolution", r"session0[1-4]/highres/.*" + _PICTURE),
        ),
        "rafdb": (
            _kind("aligned picture", r"Image/aligned/(?P<split>train|test)_\d+_aligned\.jpg"),
            _kind("original picture", r"Image/original/(?P<split>train|test)_\d+\.jpg"),
            _kind("manual attributes", r"Annotation/manual/(?:train|test)_\d+_manu_attri\.txt"),
            _kind("automatic points", r"Annotation/auto/(?:train|test)_\d+_auto_attri\.txt"),
            _kind("box", r"Annotation/boundingbox/(?:train|test)_\d+_boundingbox\.txt"),
            _kind("list of labels", r"EmoLabel/list_patition_label\.txt"),
            _kind(
                "picture in a folder of its class",
                r"(?P<split>train|test)/(?P<folder>[1-7])/(?:train|test)_\d+_aligned\.jpg",
            ),
            _kind("list of labels (CSV)", r"(?:train|test)_labels\.csv"),
        ),
        "affectnet": (
            _kind("picture (first release)", rf"\d+/[0-9a-f]{{56}}{_PICTURE}"),
            _kind("list (first release)", r"(?:training|validation|automatically_annotated)\.csv"),
            _kind("picture (new release)", r"(?P<split>train|val|valid)_set/images/\d+\.jpg"),
            _kind(
                "annotation (new release)",
                r"(?P<split>train|val|valid)_set/annotations/\d+_(?P<kind>exp|lnd|val|aro)\.npy",
            ),
        ),
    }
)
"""Kinds of files by the name of the set; the first one that matches counts."""

SETS = tuple(LAYOUTS)
