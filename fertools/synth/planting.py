"""Tools for planting faults: pictures to choose from, changes not yet written, damaged bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from fertools.errors import ConfigError

__all__ = ["Chooser", "Edit", "Plantable", "Planting", "Sample", "brighten", "corrupt", "next_free"]


@dataclass(frozen=True)
class Sample:
    """A sample of a finished folder.

    Attributes:
        sample_id: As the set's reader names it.
        label: As the set writes it.
        part: ``train``, ``val`` or ``test``; for Multi-PIE the subject and session.
        pictures: POSIX paths of its pictures below the root, the same face in each.
        is_likely: Whether a default selection of the set takes it, so that its fault is met.
    """

    sample_id: str
    label: str
    part: str
    pictures: tuple[str, ...]
    is_likely: bool = True


@dataclass(frozen=True)
class Planting:
    """What one kind of fault touched.

    Attributes:
        sample_ids: The sources first, then the copies.
        files: Paths below the root, in the same order.
        note: One line for people.
    """

    sample_ids: tuple[str, ...]
    files: tuple[str, ...]
    note: str


class Edit:
    """Changes to a folder that are gathered before any is made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._changes: dict[str, bytes | None] = {}

    @property
    def changes(self) -> Mapping[str, bytes | None]:
        """Path below the root to new bytes, or None where a file is to be removed."""
        return self._changes

    def read(self, name: str) -> bytes:
        """Bytes as they will be."""
        data = self._changes.get(name)
        return (self.root / name).read_bytes() if data is None else data

    def write(self, name: str, data: bytes) -> None:
        """New bytes of a file."""
        self._changes[name] = data

    def remove(self, name: str) -> None:
        """Let a file go."""
        self._changes[name] = None

    def has(self, name: str) -> bool:
        """Whether a file will be there."""
        if name in self._changes:
            return self._changes[name] is not None
        return (self.root / name).is_file()

    def append_line(self, name: str, line: str) -> None:
        """Add a line to a text; the text ends as it did, with a newline or without."""
        text = self.read(name)
        if text.endswith(b"\n") or not text:
            self.write(name, text + line.encode() + b"\n")
        else:
            self.write(name, text + b"\n" + line.encode())


class Chooser:
    """Chooses samples that no fault has touched yet."""

    def __init__(self, samples: Sequence[Sample], rng: np.random.Generator) -> None:
        self.samples = samples
        self.rng = rng
        self._taken: set[str] = set()

    def free(self, samples: Iterable[Sample] | None = None) -> list[Sample]:
        """Those of some samples, or of all, that are untouched."""
        some = self.samples if samples is None else samples
        return [sample for sample in some if sample.sample_id not in self._taken]

    def one(self, what: str, fits: Callable[[Sample], bool] | None = None) -> Sample:
        """One untouched sample, rather a likely one.

        Raises:
            ConfigError: If there is none; ``what`` names the fault.
        """
        found = [sample for sample in self.free() if fits is None or fits(sample)]
        found = [sample for sample in found if sample.is_likely] or found
        if not found:
            raise ConfigError(
                f"no picture left to plant {what!r} in; make a larger stand-in or plant fewer kinds"
            )
        return found[int(self.rng.integers(len(found)))]

    def take(self, *sample_ids: str) -> None:
        """Count samples as touched, new ones as well."""
        self._taken.update(sample_ids)


class Plantable(Protocol):
    """A folder of one set that faults can be planted in."""

    @property
    def samples(self) -> Sequence[Sample]:
        """All samples, sorted."""
        ...

    def duplicate(self, edit: Edit, chooser: Chooser) -> Planting:
        """A byte-identical copy under another name, with the same label."""
        ...

    def swap_label(self, edit: Edit, chooser: Chooser) -> Planting:
        """A byte-identical copy under another name, with another label."""
        ...

    def leak(self, edit: Edit, chooser: Chooser) -> Planting:
        """A brightened copy across the border between people."""
        ...


def next_free(numbers: Iterable[int], limit: int, what: str) -> int:
    """The number after the largest.

    Raises:
        ConfigError: If it has more digits than the set's names.
    """
    number = max(numbers, default=0) + 1
    if number > limit:
        raise ConfigError(f"no name left for one more {what}: {limit} is the last")
    return number


def brighten(name: str, data: bytes) -> bytes:
    """The same picture a little brighter, coded anew in its own format."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        kind = picture.format or "PNG"
        pixels = np.asarray(picture.convert(picture.mode if picture.mode == "L" else "RGB"))
    lighter = np.clip(pixels.astype(np.float32) * 1.03 + 4.0, 0.0, 255.0).astype(np.uint8)
    buffer = io.BytesIO()
    options = {"quality": 88} if kind == "JPEG" else {}
    Image.fromarray(lighter).save(buffer, kind, **options)
    return buffer.getvalue()


def corrupt(name: str, data: bytes, rng: np.random.Generator) -> bytes:
    """Damage the middle of a picture file until it can no longer be decoded; its head stays.

    Raises:
        ConfigError: If it can be decoded whatever is done to it.
    """
    markers = (b"", b"\xff\xd8", b"\xff\xd9\xff\xd8", b"\xff\xc3\x00\x02")  # none: noise alone
    for attempt in range(64):
        length = min(8 * 2 ** (attempt // 8), len(data) // 4)
        start = len(data) // 2 - length // 2 + int(rng.integers(-16, 17))
        noise = bytes(rng.integers(0, 256, length).tolist())
        marker = markers[attempt % len(markers)][:length]
        damaged = data[:start] + marker + noise[len(marker) :] + data[start + length :]
        if damaged != data and _has_a_head(damaged) and not _can_be_decoded(name, damaged):
            return damaged
    raise ConfigError(f"{name}: cannot be damaged so that it is no longer read; use another --seed")


def _has_a_head(data: bytes) -> bool:
    """Whether the picture's size can still be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return min(picture.size) > 0
    except (OSError, ValueError, SyntaxError):
        return False


def _can_be_decoded(name: str, data: bytes) -> bool:
    """Whether Pillow or our own strict reader still gives pixels."""
    import warnings

    from PIL import Image

    from fertools.errors import PictureError
    from fertools.pictures import decode_picture

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as picture:
                picture.load()
        return True
    except (OSError, ValueError, SyntaxError):
        pass
    try:
        decode_picture(Path(PurePosixPath(name)), data)
    except PictureError:
        return False
    return True
