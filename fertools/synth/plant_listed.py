"""Faults in sets that list their samples: a copy is one more sample, with a name of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from fertools.errors import ConfigError
from fertools.synth.planting import Chooser, Edit, Planting, Sample, brighten

__all__ = ["Change", "ListedFolder"]

Change = Callable[[str, bytes], bytes]
"""Turns the bytes of a picture, whose name comes first, into those of its copy."""


class ListedFolder(ABC):
    """A finished folder; see ``planting.Plantable``.

    Args:
        samples: All that are listed, sorted.
        labels: All labels that a copy may get, as the set writes them.
        test_part: Where a leak goes from ``train``.
    """

    def __init__(self, samples: Sequence[Sample], labels: Sequence[str], test_part: str) -> None:
        if not samples:
            raise ConfigError("no sample is listed; faults are planted in a finished stand-in")
        self.samples = samples
        self._labels = labels
        self._test_part = test_part

    @abstractmethod
    def add(
        self, edit: Edit, source: Sample, *, part: str, label: str, change: Change
    ) -> tuple[str, tuple[str, ...]]:
        """One more sample with the pictures and annotations of another; its name and pictures."""

    def duplicate(self, edit: Edit, chooser: Chooser) -> Planting:
        """A byte-identical copy under another name in the same part, with the same label."""
        source = chooser.one("duplicate")
        new, files = self.add(edit, source, part=source.part, label=source.label, change=_as_it_is)
        return _planting(source, new, files, "is a copy of")

    def swap_label(self, edit: Edit, chooser: Chooser) -> Planting:
        """A byte-identical copy under another name in the same part, with another label."""
        source = chooser.one("swapped-label")
        others = [label for label in self._labels if label != source.label]
        label = others[int(chooser.rng.integers(len(others)))]
        new, files = self.add(edit, source, part=source.part, label=label, change=_as_it_is)
        return _planting(source, new, files, f"labelled {label}, is a copy of")

    def leak(self, edit: Edit, chooser: Chooser) -> Planting:
        """A brightened copy of a training picture among those to test on."""
        source = chooser.one("leaked-subject", lambda sample: sample.part == "train")
        new, files = self.add(
            edit, source, part=self._test_part, label=source.label, change=brighten
        )
        return _planting(source, new, files, "is, brightened and coded anew,")


def _as_it_is(name: str, data: bytes) -> bytes:
    """The same bytes."""
    return data


def _planting(source: Sample, new: str, files: tuple[str, ...], words: str) -> Planting:
    """What was done, in words."""
    return Planting(
        (source.sample_id, new), (*source.pictures, *files), f"{new} {words} {source.sample_id}"
    )
