"""The names of facial expressions, the same in every manifest, protocol and report."""

from __future__ import annotations

__all__ = ["BASIC_EXPRESSIONS", "EXPRESSIONS"]

BASIC_EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The six of Ekman, in alphabetical order: the classes of BU-3DFE's P1 and P2."""

EXPRESSIONS = (*BASIC_EXPRESSIONS, "neutral", "contempt", "smile", "scream", "squint")
"""Every name a manifest may hold; the last three are Multi-PIE's own."""
