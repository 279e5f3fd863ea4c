"""Folds of subjects, the same on every machine and for every order of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fertools.errors import ProtocolError
from fertools.protocols.pool import Pool
from fertools.protocols.spec import Parts, Protocol, SubjectKFold, UnseenView

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fold", "make_folds", "subject_folds"]


@dataclass(frozen=True)
class Fold:
    """One fit: who is trained on and who is tested.

    Attributes:
        name: For people, such as ``fold 0`` or ``yaw30, fold 0``.
        train: Sample ids, sorted.
        test: Sample ids, sorted.
        val: Sample ids, sorted, that a model may be chosen by; often none.
    """

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    val: tuple[str, ...] = ()


def make_folds(protocol: Protocol, pool: Pool) -> tuple[Fold, ...]:
    """The folds of a protocol on its samples.

    Raises:
        ProtocolError: If folds are by subject and a sample has none, or there are too few subjects.
    """
    split = protocol.split
    frame = pool.frame
    if isinstance(split, Parts):
        role = {name: _ids(frame[frame["role"] == name]) for name in pool.manifests}
        return (Fold("fold 0", role["train"], role["test"], role.get("val", ())),)
    if frame["subject_id"].isna().any():
        raise ProtocolError(
            f"{pool.main.path}: does not suit {protocol.name}: some samples have no subject, folds "
            "are by subject"
        )
    if isinstance(split, UnseenView):
        return tuple(_unseen_views(frame, split))
    return tuple(_by_subject(frame, split))


def subject_folds(
    subjects: Iterable[str], folds: int, *, seed: int, strata: Mapping[str, str] | None = None
) -> list[tuple[str, ...]]:
    """Part subjects into disjoint groups whose sizes differ by one at most.

    Args:
        subjects: Any order, repeats allowed; they are sorted first.
        folds: How many groups.
        seed: Of the shuffle (numpy's PCG64; with strata, of scikit-learn's StratifiedKFold).
        strata: Subject to what is to be shared out evenly, such as their sex.

    Returns:
        One sorted group of subjects a fold: those that it tests.

    Raises:
        ProtocolError: If there are fewer subjects than folds, or fewer of a stratum.

    Example:
        >>> [len(group) for group in subject_folds([f"S{i:02d}" for i in range(11)], 5, seed=0)]
        [3, 2, 2, 2, 2]
    """
    ordered = sorted(set(subjects))
    if len(ordered) < folds:
        raise ProtocolError(
            f"{len(ordered)} subjects cannot be parted into {folds} folds; "
            f"expected {folds} subjects or more"
        )
    if strata is not None:
        return _stratified(ordered, folds, seed, strata)
    shuffled = np.random.default_rng(seed).permutation(len(ordered))
    return [
        tuple(sorted(ordered[index] for index in group))
        for group in np.array_split(shuffled, folds)
    ]


def _stratified(
    ordered: list[str], folds: int, seed: int, strata: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """Groups with about the same share of each stratum."""
    from sklearn.model_selection import StratifiedKFold

    kinds = [strata[subject] for subject in ordered]
    fewest = min(set(kinds), key=lambda kind: (kinds.count(kind), kind))
    if kinds.count(fewest) < folds:
        raise ProtocolError(
            f"only {kinds.count(fewest)} subjects are {fewest!r}; expected {folds} or more to share"
            " them out evenly: leave out 'stratify', or take fewer folds"
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [
        tuple(ordered[index] for index in sorted(test.tolist()))
        for _, test in splitter.split(np.zeros(len(ordered)), kinds)
    ]


def _by_subject(frame: pd.DataFrame, split: SubjectKFold) -> Iterable[Fold]:
    """Each group of subjects is tested once."""
    subjects = frame["subject_id"]
    groups = subject_folds(
        subjects, split.folds, seed=split.seed, strata=_strata(frame, split.stratify)
    )
    for number, group in enumerate(groups):
        others = sorted(set(subjects) - set(group))
        chosen: set[str] = set()
        if split.validation_subjects:
            if split.validation_subjects >= len(others):
                raise ProtocolError(
                    f"validation_subjects is {split.validation_subjects}, fold {number} trains on "
                    f"{len(others)}; expected fewer"
                )
            drawn = np.random.default_rng([split.seed, number]).permutation(len(others))
            chosen = {others[index] for index in drawn[: split.validation_subjects]}
        yield Fold(
            f"fold {number}",
            train=_ids(frame[~subjects.isin([*group, *chosen])]),
            test=_ids(frame[subjects.isin(group)]),
            val=_ids(frame[subjects.isin(chosen)]),
        )


def _strata(frame: pd.DataFrame, column: str | None) -> dict[str, str] | None:
    """Subject to the one value that it has in a column."""
    if column is None:
        return None
    if column not in frame.columns or frame[column].isna().any():
        raise ProtocolError(
            f"stratify: the manifest does not say the {column} of every sample; leave it out"
        )
    values = frame.groupby("subject_id", observed=True)[column].agg(["nunique", "first"])
    several = values.index[values["nunique"] > 1]
    if len(several):
        raise ProtocolError(f"stratify: subject {several[0]!r} has more than one {column}")
    return {str(subject): str(value) for subject, value in values["first"].items()}


def _unseen_views(frame: pd.DataFrame, split: UnseenView) -> Iterable[Fold]:
    """Each view in turn is held out, and with it each group of subjects."""
    if frame["view_id"].isna().any():
        raise ProtocolError("unseen-view: some samples have no view_id; expected one of each")
    subjects, views = frame["subject_id"], frame["view_id"]
    names = sorted(set(views))
    if len(names) < 2:
        raise ProtocolError(f"unseen-view: there is only the view {names[0]!r}; expected several")
    groups = subject_folds(subjects, split.folds, seed=split.seed)
    for view in names:
        for number, group in enumerate(groups):
            is_tested, is_view = subjects.isin(group), views == view
            yield Fold(
                f"{view}, fold {number}",
                train=_ids(frame[~is_tested & ~is_view]),
                test=_ids(frame[is_tested & is_view]),
            )


def _ids(frame: pd.DataFrame) -> tuple[str, ...]:
    """Sorted sample ids."""
    return tuple(sorted(frame["sample_id"].tolist()))
