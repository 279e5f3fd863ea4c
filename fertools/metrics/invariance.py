"""Whether predictions depend on the other pictures of their batch, which they must not.

A model in training mode, or one that normalises over the batch, gives a picture other scores when
its neighbours change. The same samples are predicted in batches of one, shuffled and sorted: every
predicted label must be the same; scores may differ by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fertools.errors import PredictionsError
from fertools.metrics.pairing import match_rows
from fertools.metrics.predictions import score_columns
from fertools.metrics.samples import gather_samples, where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.metrics.predictions import Predictions

__all__ = ["Invariance", "Variant", "check_invariance"]

_NUM_EXAMPLES = 5


@dataclass(frozen=True)
class Variant:
    """One way of making batches, compared with the reference.

    Attributes:
        name: Such as ``"batch size 1"``.
        num_changed: Samples whose predicted label (or whether a face was found) differs.
        changed: The first of them, sorted by sample id; at most five.
        largest_difference: Of a score of the same sample and class, in [0, 1].
        largest_at: The sample where it is.
        is_equal: No label differs, and no score by more than the tolerance.
    """

    name: str
    num_changed: int
    changed: tuple[str, ...]
    largest_difference: float
    largest_at: str
    is_equal: bool


@dataclass(frozen=True)
class Invariance:
    """Whether the predictions are the same however the batches are made.

    Attributes:
        is_invariant: Whether every variant is equal to the reference.
        reference: Name of the predictions that the others are compared with.
        num_samples: Samples of each.
        tolerance: Largest difference of a score that counts as rounding.
        largest_difference: Over all variants.
        variants: The others.
    """

    is_invariant: bool
    reference: str
    num_samples: int
    tolerance: float
    largest_difference: float
    variants: tuple[Variant, ...]


def check_invariance(
    predictions: Mapping[str, Sequence[Predictions]], *, tolerance: float = 1e-4
) -> Invariance:
    """Compare predictions of the same samples made in different batches.

    Args:
        predictions: How they were made to the tables; the first is the reference, such as
            ``{"sorted": ..., "batch size 1": ..., "shuffled": ...}``. Rows may stand in any order.
        tolerance: Largest difference of a fused score (a probability) that counts as rounding.

    Raises:
        PredictionsError: If there are fewer than two, or classes, samples or labels differ.
    """
    if len(predictions) < 2:
        raise PredictionsError(
            f"predictions {list(predictions)}; expected two or more ways of making batches"
        )
    (name, tables), *others = predictions.items()
    reference = gather_samples(tables, not_found="error")
    columns = score_columns(reference.info.classes)
    scores = reference.frame[columns].to_numpy(dtype=np.float64)
    ids = reference.frame["sample_id"]
    here = f"{where(tables)} ({name})"
    variants = []
    for other, other_tables in others:
        samples = gather_samples(other_tables, not_found="error")
        there = f"{where(other_tables)} ({other})"
        if samples.info.classes != reference.info.classes:
            raise PredictionsError(
                f"{there}: classes {list(samples.info.classes)}, {here} has "
                f"{list(reference.info.classes)}"
            )
        places = match_rows(ids, samples.frame["sample_id"], here=here, there=there)
        if (samples.labels[places] != reference.labels).any():
            row = int((samples.labels[places] != reference.labels).argmax())
            raise PredictionsError(
                f"{there}: sample {ids.iloc[row]!r} has label {samples.labels[places][row]}, "
                f"{here} has {reference.labels[row]}"
            )
        change = np.abs(samples.frame[columns].to_numpy(dtype=np.float64)[places] - scores)
        change = change.max(axis=1)
        changed = samples.predicted[places] != reference.predicted
        largest = float(change.max())
        variants.append(
            Variant(
                name=other,
                num_changed=int(changed.sum()),
                changed=tuple(sorted(ids[changed])[:_NUM_EXAMPLES]),
                largest_difference=largest,
                largest_at=str(ids.iloc[int(change.argmax())]),
                is_equal=not changed.any() and largest <= tolerance,
            )
        )
    return Invariance(
        is_invariant=all(variant.is_equal for variant in variants),
        reference=name,
        num_samples=len(ids),
        tolerance=tolerance,
        largest_difference=max(variant.largest_difference for variant in variants),
        variants=tuple(variants),
    )
