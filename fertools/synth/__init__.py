"""Open stand-ins of licensed data sets, made from a parametric head and laid out alike."""

from fertools.synth.bu3dfe import (
    SCANS_PER_SUBJECT,
    ScanOptions,
    SynthesisSummary,
    estimate_bytes,
    synthesise_bu3dfe,
)

__all__ = [
    "SCANS_PER_SUBJECT",
    "ScanOptions",
    "SynthesisSummary",
    "estimate_bytes",
    "synthesise_bu3dfe",
]
