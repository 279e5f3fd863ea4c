"""The exceptions a user can cause; each prints as one line that names place, fault and remedy.

FertoolsError
 ├─ ConfigError         an option, a recipe or a YAML file
 ├─ DatasetError        a data set that is missing or laid out in another way
 ├─ ScanError           one scan: its mesh, texture or landmarks
 ├─ PictureError        one picture file
 ├─ ManifestError       a table of samples
 ├─ ProtocolError       a protocol's declaration
 ├─ LockError           a lock that does not fit its data
 │   └─ LeakError       a sample or person on both sides of a fold
 ├─ PredictionsError    a table of predictions
 ├─ ModelError          a model's name or weights
 ├─ MissingExtraError   a package of an extra that is not installed
 └─ OutputError         a file that cannot be written
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "DatasetError",
    "FertoolsError",
    "LeakError",
    "LockError",
    "ManifestError",
    "MissingExtraError",
    "ModelError",
    "OutputError",
    "PictureError",
    "PredictionsError",
    "ProtocolError",
    "ScanError",
]


class FertoolsError(Exception):
    """Base of every error that a user can cause and mend."""


class ConfigError(FertoolsError):
    """An option, a recipe or a YAML file says something that cannot be done."""


class DatasetError(FertoolsError):
    """A data set is missing or is not laid out as its authors ship it."""


class ScanError(FertoolsError):
    """A file of one 3D scan is damaged or not what its name says."""


class PictureError(FertoolsError):
    """A picture is missing, damaged, or larger than any picture should be."""


class ManifestError(FertoolsError):
    """A manifest is missing, truncated or breaks its schema."""


class ProtocolError(FertoolsError):
    """A protocol's YAML is wrong, or does not fit the data it is asked to split."""


class LockError(FertoolsError):
    """A lock is damaged, or its members differ from the data at hand."""


class LeakError(LockError):
    """A person or a file stands on both the training and the test side of a fold."""


class PredictionsError(FertoolsError):
    """A table of predictions breaks its schema."""


class ModelError(FertoolsError):
    """A model is unknown, or weights do not belong to it."""


class MissingExtraError(FertoolsError):
    """A package is not installed; it comes with an extra of the distribution.

    Args:
        package: The import name that was not found.
        extra: The extra that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package {package!r} is not installed; it comes with the extra {extra!r}: "
            f'pip install "fertools[{extra}]"'
        )
        self._words = (package, extra)

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return type(self), self._words  # as it comes back from a worker process


class OutputError(FertoolsError):
    """A file cannot be written: the disk is full, or the folder may not be written to."""
