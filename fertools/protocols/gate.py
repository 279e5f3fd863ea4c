"""The leak gate: who or what stands on both the training and the test side of a fold.

What becomes of it says :mod:`fertools.protocols.policy`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fertools.duplicates import group_pairs
from fertools.protocols.lock import Exclusion, Lock, source_digests
from fertools.protocols.near import NearLink, NearPairs
from fertools.protocols.pool import Pool

__all__ = ["Leak", "LeakReport", "find_leaks"]

Kind = Literal["subject", "file", "near-duplicate"]
_Choose = Callable[[Sequence[str], str], tuple[str, str] | None]


@dataclass(frozen=True)
class Leak:
    """Two samples that should not be on the two sides of a fold.

    Attributes:
        kind: The same ``subject``, the same ``file``, or a ``near-duplicate``.
        fold: Its number.
        train: Sample that is trained on, or that a model is chosen by.
        test: Sample that is tested.
        what: The subject, the file's SHA-256, ``source`` and that of the file that two pictures
            were made from, or what was done to the tested picture, seen from the
            other: ``mirrored``, ``cropped``, ``brightened``, ``darkened``, several of them,
            ``re-encoded``, or ``copy of a copy``.
    """

    kind: Kind
    fold: int
    train: str
    test: str
    what: str

    def __str__(self) -> str:
        return (
            f"fold {self.fold}: {self.kind} {self.what}: {self.train} trained, {self.test} tested"
        )


@dataclass(frozen=True)
class LeakReport:
    """What the gate found.

    Attributes:
        leaks: One a tested sample, kind and fold, with the first or nearest training sample that it
            shares something with.
        has_subjects: Whether every sample has a subject; else that check is not possible.
        is_own: Whether the folds are of our own making.
        num_pairs: Pairs of pictures, one trained on and one tested in some fold, that were searched
            for near duplicates; None if that was not done.
        offenders: All training samples, fold by fold, without which nothing would leak.
        unread: Samples whose pictures could not be read when near duplicates were searched.
        changed: Samples whose pictures were other files then than the manifest says.
    """

    leaks: tuple[Leak, ...]
    has_subjects: bool
    is_own: bool
    num_pairs: int | None = None
    offenders: tuple[Exclusion, ...] = field(default=(), repr=False)
    unread: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Kind to number of leaks."""
        return dict(sorted(Counter(leak.kind for leak in self.leaks).items()))

    @property
    def subjects_word(self) -> str:
        """``checked`` or ``not checkable``."""
        return "checked" if self.has_subjects else "not checkable"

    @property
    def not_checked(self) -> tuple[str, ...]:
        """In words what the gate could not or was not asked to look for."""
        reasons = [] if self.has_subjects else ["subjects: not checkable, not every sample has one"]
        if self.num_pairs is None:
            reasons.append(
                "near duplicates: not asked for ('fertools protocols check' searches them)"
            )
        elif self.unread:
            reasons.append(
                f"near duplicates of {len(self.unread):,} pictures that cannot be read, first "
                f"{self.unread[0]!r}"
            )
        if self.changed:
            reasons.append(
                f"{len(self.changed):,} pictures as the manifest has them: other files are there, "
                f"first {self.changed[0]!r}; make them or the manifest again"
            )
        return tuple(reasons)


def find_leaks(lock: Lock, pool: Pool, near: NearPairs | None = None) -> LeakReport:
    """Look for subjects, files and near duplicates on both sides of each fold.

    Args:
        lock: The folds.
        pool: Their samples.
        near: The near duplicates among the samples, from
            :func:`fertools.protocols.near.find_near_pairs`; else none are looked for.
    """
    names = pool.frame.index.tolist()  # Arrow's columns are slow to go through one by one
    files, sets = (
        dict(zip(names, pool.frame[column].tolist(), strict=True))
        for column in ("sha256", "dataset")
    )
    sources = source_digests(pool.frame)
    subjects = {
        name: f"{sets[name]} {_plain(who)}"
        for name, who in lock.subjects.items()
        if who is not None
    }  # two sets may have a subject of the same name
    checks: list[tuple[Kind, Mapping[str, str], _Choose]] = [
        ("subject", subjects, lambda trained, test: (trained[0], lock.subjects[test] or "")),
        ("file", files, lambda trained, test: (trained[0], files[test])),
        ("file", sources, lambda trained, test: _cut_from_one(trained, test, files, sources)),
    ]
    if near is not None:
        copies = _Copies(near, files)
        checks.append(("near-duplicate", copies.groups, copies.nearest))
    leaks: list[Leak] = []
    offenders: list[Exclusion] = []
    for number, fold in enumerate(lock.folds):
        for kind, of, choose in checks:
            tested = {of[name] for name in fold.test if name in of}
            trained: dict[str, list[str]] = {}
            for name in (*fold.train, *fold.val):
                if (value := of.get(name)) is not None and value in tested:
                    trained.setdefault(value, []).append(name)
            reasons: dict[str, str] = {}
            for name in fold.test:
                those = trained.get(of.get(name, ""), [])
                if those and (chosen := choose(those, name)) is not None:
                    leaks.append(Leak(kind, number, chosen[0], name, chosen[1]))
                    reasons |= dict.fromkeys(those, chosen[1])
            offenders += [Exclusion(number, name, kind, what) for name, what in reasons.items()]
    return LeakReport(
        tuple(leaks),
        has_subjects=len(subjects) == len(lock.subjects),
        is_own=all(source.role == "samples" for source in lock.sources),
        num_pairs=None if near is None else near.num_pairs,
        offenders=tuple(offenders),
        unread=() if near is None else near.unread,
        changed=() if near is None else near.changed,
    )


def _plain(name: str) -> str:
    """A subject's name without what cannot be seen: case, width, white space at the ends."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _cut_from_one(
    trained: Sequence[str], test: str, files: Mapping[str, str], sources: Mapping[str, str]
) -> tuple[str, str] | None:
    """A training sample that was made from the same source file, but is another picture."""
    others = [name for name in trained if files[name] != files[test]]
    return (others[0], f"source {sources[test]}") if others else None


class _Copies:
    """Near duplicates of any degree, with byte-identical copies of each, as groups."""

    def __init__(self, near: NearPairs, files: Mapping[str, str]) -> None:
        self._files = files
        self._links: dict[frozenset[str], NearLink] = {
            frozenset((link.first, link.second)): link for link in near.links
        }
        linked = {name for pair in self._links for name in pair}
        digests = {files[name] for name in linked}
        same: dict[str, list[str]] = {}
        for name, digest in files.items():
            if digest in digests:
                same.setdefault(digest, []).append(name)
        pairs = [(link.first, link.second) for link in near.links]
        pairs += [(names[0], other) for names in same.values() for other in names[1:]]
        names = sorted({name for pair in pairs for name in pair})
        numbers = {name: number for number, name in enumerate(names)}
        self.groups: dict[str, str] = {  # member to the group's first
            names[member]: names[group[0]]
            for group in group_pairs((numbers[one], numbers[other]) for one, other in pairs)
            for member in group
        }

    def nearest(self, trained: Sequence[str], test: str) -> tuple[str, str] | None:
        """The training sample that a tested one is most alike, and in what way."""
        others = [name for name in trained if self._files[name] != self._files[test]]
        if not others:
            return None  # the same file, which is another kind of leak
        links = [(link, name) for name in others if (link := self._link(name, test)) is not None]
        if not links:
            return others[0], "copy of a copy"
        link, name = min(links, key=lambda pair: pair[0].difference)
        return name, link.to_second if link.second == test else link.to_first

    def _link(self, one: str, other: str) -> NearLink | None:
        """How two samples were found to be near."""
        return self._links.get(frozenset((one, other)))
