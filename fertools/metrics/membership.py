"""Whether predictions cover what the lock says should be tested: no more, no less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fertools.errors import PredictionsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.predictions import Predictions
    from fertools.protocols import Lock

__all__ = ["check_membership"]


def check_membership(predictions: Sequence[Predictions], lock: Lock) -> tuple[int, ...]:
    """Compare the tested samples with the folds of a lock.

    A fold that is there must be whole; folds that are not there are given back, so that the
    result can be called partial.

    Args:
        predictions: The tables of a run.
        lock: The lock they claim to be made under.

    Returns:
        The folds of the lock without predictions, ascending.

    Raises:
        PredictionsError: If a table was made under another lock or none, a fold is not one of the
            lock's, or a fold has a sample missing, a foreign one or another label; it says which.
    """
    tested: dict[int, dict[str, int]] = {}
    for table in predictions:
        digest, classes = table.info.lock_digest, table.info.classes
        if not digest:
            raise PredictionsError(
                f"{table.path}: names no lock, but the run has one; write it with "
                "fertools.metrics.write_predictions and the lock's digest"
            )
        if digest != lock.digest:
            raise PredictionsError(
                f"{table.path}: made under the lock {digest[:12]!r}, the run's is "
                f"{lock.digest[:12]!r}; evaluate again"
            )
        if classes != lock.classes:
            raise PredictionsError(
                f"{table.path}: classes {list(classes)}, the lock has {list(lock.classes)}"
            )
        frame = table.frame
        for fold, sample_id, label in zip(
            frame["fold"].tolist(), frame["sample_id"], frame["label"].tolist(), strict=True
        ):
            tested.setdefault(int(fold), {})[str(sample_id)] = int(label)
    where = ", ".join(sorted({str(table.path) for table in predictions}))
    for fold, labels in sorted(tested.items()):
        if fold >= len(lock.folds):
            raise PredictionsError(f"{where}: fold {fold}; the lock has {len(lock.folds)} folds")
        locked = set(lock.folds[fold].test)
        missing, foreign = sorted(locked - set(labels)), sorted(set(labels) - locked)
        if missing or foreign:
            example = (missing or foreign)[0]
            raise PredictionsError(
                f"{where}: fold {fold}: {len(missing)} locked samples are missing and "
                f"{len(foreign)} are not in the lock, such as {example!r}; evaluate again"
            )
        for sample_id, label in labels.items():
            if label != lock.labels[sample_id]:
                raise PredictionsError(
                    f"{where}: {sample_id!r} has label {label}, locked is "
                    f"{lock.labels[sample_id]} ({lock.classes[lock.labels[sample_id]]!r})"
                )
    return tuple(fold for fold in range(len(lock.folds)) if fold not in tested)
