"""Where faults are planted in a folder of Multi-PIE: over other pictures, as names are a grid."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import ConfigError
from fertools.expressions import MULTIPIE_RECORDINGS
from fertools.formats.multipie import CAMERA_YAWS
from fertools.synth.planting import Chooser, Edit, Planting, Sample, brighten, next_free

__all__ = ["MultipieFolder"]

_NAME = re.compile(r"(\d{3})_(\d{2})_(\d{2})_(\d{3})_(\d{2})\.(png|jpg)", re.ASCII)
_USUAL = frozenset({(1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (4, 3)})
_LAST = 999


@dataclass(frozen=True)
class _Key:
    """What a picture's name says."""

    subject: str
    session: int
    recording: int
    camera: str
    illumination: str

    @property
    def view(self) -> tuple[str, str, str]:
        """What is the same in the other recordings of a person from this camera and light."""
        return self.subject, self.camera, self.illumination


class MultipieFolder:
    """A finished folder, however its folders are laid out; see ``planting.Plantable``.

    Raises:
        ConfigError: If it holds no picture.
    """

    def __init__(self, root: Path) -> None:
        self._keys: dict[str, _Key] = {}
        samples = []
        for path in sorted(root.rglob("*")):
            match = _NAME.fullmatch(path.name)
            below = path.relative_to(root)
            if match is None or any(part.startswith(".") for part in below.parts):
                continue
            key = _Key(match[1], int(match[2]), int(match[3]), match[4], match[5])
            self._keys[path.stem] = key
            samples.append(
                Sample(
                    sample_id=path.stem,
                    label=MULTIPIE_RECORDINGS[key.session, key.recording],
                    part=f"{key.subject} {key.session}",
                    pictures=(below.as_posix(),),
                    is_likely=_is_usual(key),
                )
            )
        if not samples:
            raise ConfigError(f"{root}: holds no picture of Multi-PIE's naming")
        self.samples = samples
        self._lists = [
            path.relative_to(root).as_posix() for path in root.rglob("meta/subject_list.txt")
        ]

    def duplicate(self, edit: Edit, chooser: Chooser) -> Planting:
        """A copy over the same person's picture of another recording of the same expression."""
        return self._copy_over(edit, chooser, same_label=True)

    def swap_label(self, edit: Edit, chooser: Chooser) -> Planting:
        """A copy over the same person's picture of another expression."""
        return self._copy_over(edit, chooser, same_label=False)

    def leak(self, edit: Edit, chooser: Chooser) -> Planting:
        """All pictures of a person's session once more, brightened, as a new subject's."""
        sessions = defaultdict(list)
        for sample in self.samples:
            sessions[sample.part].append(sample)
        whole = [part for part, group in sessions.items() if len(chooser.free(group)) == len(group)]
        if not whole:
            raise ConfigError("no untouched session left to plant 'leaked-subject' in")
        part = sorted(whole)[int(chooser.rng.integers(len(whole)))]
        old, session = part.split()
        numbers = {int(key.subject) for key in self._keys.values()}
        new = f"{next_free(numbers, _LAST, 'subject'):03d}"
        ids, files = [], []
        for sample in sessions[part]:
            name = _renamed(sample.pictures[0], old, new)
            edit.write(name, brighten(name, edit.read(sample.pictures[0])))
            ids.append(f"{new}{sample.sample_id[3:]}")
            files.append(name)
        marks = " ".join("1" if f"{n}" == session else "0" for n in (1, 2, 3, 4))
        for name in self._lists:
            for row in map(str.split, edit.read(name).decode().splitlines()):
                if row and row[0] == old:
                    edit.append_line(name, f"{new} {row[1]} {row[2]} {marks}")
        return Planting(
            (*(sample.sample_id for sample in sessions[part]), *ids),
            (*(sample.pictures[0] for sample in sessions[part]), *files),
            f"subject {new} is subject {old} in session {session}, brightened and coded anew",
        )

    def _copy_over(self, edit: Edit, chooser: Chooser, *, same_label: bool) -> Planting:
        """A copy over another picture of the same person, camera and illumination."""
        groups = defaultdict(list)
        for sample in chooser.free():
            groups[self._keys[sample.sample_id].view].append(sample)
        pairs = {
            target.sample_id: [source for source in group if _fits(source, target, same_label)]
            for group in groups.values()
            for target in group
        }
        kind = "duplicate" if same_label else "swapped-label"
        target = chooser.one(kind, lambda sample: bool(pairs.get(sample.sample_id)))
        sources = pairs[target.sample_id]
        source = sources[int(chooser.rng.integers(len(sources)))]
        edit.write(target.pictures[0], edit.read(source.pictures[0]))
        return Planting(
            (source.sample_id, target.sample_id),
            (*source.pictures, *target.pictures),
            f"{target.sample_id} ({target.label}) is a copy of {source.sample_id} ({source.label})",
        )


def _fits(source: Sample, target: Sample, same_label: bool) -> bool:
    """Whether one picture may be copied over another."""
    return source is not target and (source.label == target.label) is same_label


def _is_usual(key: _Key) -> bool:
    """Whether the paper's part has this picture: seven cameras, one recording an expression."""
    yaw = CAMERA_YAWS.get(f"{key.camera[:2]}_{key.camera[2]}", -1)
    return yaw >= 0 and (key.session, key.recording) in _USUAL and key.illumination == "07"


def _renamed(name: str, old: str, new: str) -> str:
    """The path of the same picture of another subject."""
    *folders, last = name.split("/")
    folders[folders.index(old)] = new
    return "/".join([*folders, new + last[3:]])
