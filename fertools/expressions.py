"""The names of facial expressions, the same everywhere, and what each data set calls them.

Sources: the codes of BU-3DFE's file names, Multi-PIE's sessions and recordings, RAF-DB's
``list_patition_label.txt`` and AffectNet's ``expression`` column, as their authors document them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "AFFECTNET_CODES",
    "AFFECTNET_OTHER_CODES",
    "BASIC_EXPRESSIONS",
    "BU3DFE_CODES",
    "BU3DFE_MULTIPIE_SHARED",
    "CROSS_DATABASE_NAMES",
    "EXPRESSIONS",
    "MULTIPIE_EXPRESSIONS",
    "MULTIPIE_RECORDINGS",
    "RAFDB_CODES",
    "SEVEN_EXPRESSIONS",
    "to_cross_database",
]

BASIC_EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The six of Ekman, in alphabetical order: the classes of BU-3DFE's P1 and P2."""

SEVEN_EXPRESSIONS = (*BASIC_EXPRESSIONS, "neutral")
"""The classes of RAF-DB, and of AffectNet without contempt."""

EXPRESSIONS = (*SEVEN_EXPRESSIONS, "contempt", "smile", "scream", "squint")
"""Every name a manifest may hold; the last three are Multi-PIE's own."""

BU3DFE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "AN": "anger",
        "DI": "disgust",
        "FE": "fear",
        "HA": "happiness",
        "NE": "neutral",
        "SA": "sadness",
        "SU": "surprise",
    }
)
"""Code in a file name of BU-3DFE to canonical name."""

MULTIPIE_RECORDINGS: Mapping[tuple[int, int], str] = MappingProxyType(
    {
        (1, 1): "neutral",
        (1, 2): "smile",
        (2, 1): "neutral",
        (2, 2): "surprise",
        (2, 3): "squint",
        (3, 1): "neutral",
        (3, 2): "smile",
        (3, 3): "disgust",
        (4, 1): "neutral",
        (4, 2): "neutral",
        (4, 3): "scream",
    }
)
"""Session and recording of Multi-PIE to canonical name."""

MULTIPIE_EXPRESSIONS = ("disgust", "neutral", "scream", "smile", "squint", "surprise")
"""The six of Multi-PIE, in alphabetical order."""

RAFDB_CODES: Mapping[int, str] = MappingProxyType(
    {
        1: "surprise",
        2: "fear",
        3: "disgust",
        4: "happiness",
        5: "sadness",
        6: "anger",
        7: "neutral",
    }
)
"""Label of RAF-DB's basic set to canonical name."""

AFFECTNET_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "neutral",
        1: "happiness",
        2: "sadness",
        3: "surprise",
        4: "fear",
        5: "disgust",
        6: "anger",
        7: "contempt",
    }
)
"""Label of AffectNet to canonical name."""

AFFECTNET_OTHER_CODES: Mapping[int, str] = MappingProxyType(
    {8: "none", 9: "uncertain", 10: "non-face"}
)
"""AffectNet's labels that are no expression: such rows are counted and left out."""

CROSS_DATABASE_NAMES: Mapping[str, str] = MappingProxyType({"smile": "happiness"})
"""Which names stand for each other when one data set is trained on and another tested."""

BU3DFE_MULTIPIE_SHARED = ("disgust", "happiness", "neutral", "surprise")
"""The four that BU-3DFE and Multi-PIE share (Liu et al., CMES 139(1), 2024, section 4.4)."""


def to_cross_database(expression: str) -> str:
    """The name under which an expression is compared between data sets.

    Example:
        >>> to_cross_database("smile"), to_cross_database("disgust")
        ('happiness', 'disgust')
    """
    return CROSS_DATABASE_NAMES.get(expression, expression)
