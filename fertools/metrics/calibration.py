"""Whether scores can be believed: calibration errors, reliability, likelihood and Brier score.

The scores of a table are probabilities (a softmax, see :mod:`fertools.metrics.predictions`); they
are stored with 32 bits, so a row is first cut to [0, 1] and divided by its sum. The confidence of
an answer is its score, the largest of the row. A sample in which no face was found has no answer
to be confident of: it is left out here, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fertools.errors import PredictionsError
from fertools.metrics.predictions import score_columns
from fertools.metrics.samples import gather_samples, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.predictions import Predictions
    from fertools.metrics.samples import Samples

__all__ = ["Calibration", "ReliabilityBin", "calibrate", "calibration_of"]


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers of similar confidence.

    Attributes:
        low: Lower edge, not in the bin (0 is in the first).
        high: Upper edge, in the bin.
        num_samples: How many.
        confidence: Their mean confidence; None in an empty bin.
        accuracy: How many of them are right; None in an empty bin.
    """

    low: float
    high: float
    num_samples: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How well confidence and accuracy agree.

    Attributes:
        num_samples: Samples with a face.
        num_not_found: Samples without; left out.
        num_bins: Number of bins of either kind.
        accuracy: Of the samples with a face.
        confidence: Their mean confidence; above ``accuracy`` the model is too sure of itself.
        ece: Expected calibration error with bins of equal width, in [0, 1].
        ece_equal_mass: The same with bins of (nearly) equal numbers of samples; equal confidences
            are never parted.
        max_error: Largest difference in a bin of equal width, in [0, 1].
        nll: Mean negative log likelihood of the true class, natural logarithm, 0 or more.
        num_zero: Samples whose true class has the score 0: there the logarithm is taken of
            2.2e-16, as scikit-learn does.
        brier: Mean over samples of the sum over classes of the squared errors, in [0, 2].
        bins: Those of equal width.
        bins_equal_mass: Those of equal numbers.
    """

    num_samples: int
    num_not_found: int
    num_bins: int
    accuracy: float
    confidence: float
    ece: float
    ece_equal_mass: float
    max_error: float
    nll: float
    num_zero: int
    brier: float
    bins: tuple[ReliabilityBin, ...]
    bins_equal_mass: tuple[ReliabilityBin, ...]


def calibrate(predictions: Sequence[Predictions], *, num_bins: int = 15) -> Calibration:
    """Compare the scores of a run with what came true.

    Args:
        predictions: The tables of a run.
        num_bins: Bins of the calibration errors; state it with the figure, which depends on it.

    Raises:
        PredictionsError: If no face was found in any sample, or the tables do not belong together.

    Reference:
        ECE: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3. Bins
        of equal numbers: Nguyen and O'Connor, "Posterior calibration and exploratory analysis for
        natural language processing models", EMNLP 2015. Brier, "Verification of forecasts
        expressed in terms of probability", Monthly Weather Review 78(1), 1950.
    """
    result = calibration_of(gather_samples(predictions, not_found="error"), num_bins=num_bins)
    if result is None:
        raise PredictionsError(f"{where(predictions)}: no face was found: there is no score")
    return result


def calibration_of(samples: Samples, *, num_bins: int = 15) -> Calibration | None:
    """:func:`calibrate` of samples already put together; None where no face was found."""
    from sklearn.metrics import brier_score_loss, log_loss

    if num_bins < 1:
        raise ValueError(f"num_bins is {num_bins}; expected 1 or more")
    found = samples.predicted >= 0
    if not found.any():
        return None
    columns = score_columns(samples.info.classes)
    scores = np.clip(samples.frame.loc[found, columns].to_numpy(dtype=np.float64), 0.0, 1.0)
    scores /= scores.sum(axis=1, keepdims=True)
    labels, predicted = samples.labels[found], samples.predicted[found]
    rows, known = np.arange(len(labels)), np.arange(len(columns))
    confidence, correct = scores[rows, predicted], labels == predicted
    width = np.linspace(0.0, 1.0, num_bins + 1)
    mass = np.quantile(confidence, width)
    bins = _reliability(confidence, correct, width)
    bins_equal_mass = _reliability(confidence, correct, mass)
    return Calibration(
        num_samples=len(labels),
        num_not_found=samples.num_not_found,
        num_bins=num_bins,
        accuracy=float(correct.mean()),
        confidence=float(confidence.mean()),
        ece=_expected_error(bins),
        ece_equal_mass=_expected_error(bins_equal_mass),
        max_error=max(_errors(bins)),
        nll=float(log_loss(labels, scores, labels=known)),
        num_zero=int((scores[rows, labels] == 0).sum()),
        brier=float(brier_score_loss(labels, scores, labels=known, scale_by_half=False)),
        bins=bins,
        bins_equal_mass=bins_equal_mass,
    )


def _reliability(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], edges: NDArray[np.float64]
) -> tuple[ReliabilityBin, ...]:
    """Confidence and accuracy between the edges."""
    place = np.searchsorted(edges[1:-1], confidence, side="left")
    numbers = np.bincount(place, minlength=len(edges) - 1).tolist()
    sure = np.bincount(place, weights=confidence, minlength=len(edges) - 1).tolist()
    right = np.bincount(place, weights=correct, minlength=len(edges) - 1).tolist()
    return tuple(
        ReliabilityBin(
            float(edges[i]),
            float(edges[i + 1]),
            number,
            sure[i] / number if number else None,
            right[i] / number if number else None,
        )
        for i, number in enumerate(numbers)
    )


def _errors(bins: Sequence[ReliabilityBin]) -> list[float]:
    """Difference of accuracy and confidence in each bin; 0 in an empty one."""
    return [abs((row.accuracy or 0.0) - (row.confidence or 0.0)) for row in bins]


def _expected_error(bins: Sequence[ReliabilityBin]) -> float:
    """Mean difference, weighted by the bins' numbers."""
    total = sum(row.num_samples for row in bins)
    errors = zip(bins, _errors(bins), strict=True)
    return sum(row.num_samples * error for row, error in errors) / total
