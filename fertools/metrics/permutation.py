"""Permutation test of the difference of two runs: whole people change sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from fertools.metrics.bootstrap import sum_drawn
from fertools.metrics.pairing import differences_of_counts

if TYPE_CHECKING:
    from fertools.metrics.bootstrap import Units

__all__ = ["MAX_EXACT_UNITS", "PermutationTest", "permutation_moves", "permutation_tests"]

MAX_EXACT_UNITS = 16
"""Up to this many people with different counts in the two runs, all patterns are tried."""

_TIE = 1e-12


@dataclass(frozen=True)
class PermutationTest:
    """A two-sided permutation test of "it does not matter which run gave the answers".

    Attributes:
        p_value: In (0, 1].
        smallest_p: The smallest value that this test could have given: with few people no
            difference, however large, comes below it.
        method: ``"exact"``: every pattern was tried; ``"sampled"``.
        unit: What changes sides as a whole: ``"subject"`` or ``"sample"``.
        num_units: How many of them there are.
        num_differing: How many have different counts in the two runs; the others move nothing.
        num_permutations: Patterns that were tried.
        seed: Of the drawing; None for an exact test.
    """

    p_value: float
    smallest_p: float
    method: Literal["exact", "sampled"]
    unit: str
    num_units: int
    num_differing: int
    num_permutations: int
    seed: int | None


def permutation_tests(
    units: Units, *, num_permutations: int = 10_000, seed: int = 0
) -> dict[str, PermutationTest]:
    """Test the difference of each of accuracy, UAR and macro-F1.

    If it does not matter which run gave a person's answers, exchanging both runs' answers of any
    set of people gives an equally likely result. p is the share of patterns whose difference is,
    in absolute value, at least as large as the one that was seen. All patterns are tried where at
    most :data:`MAX_EXACT_UNITS` people differ; else patterns are drawn and, with k of n at least
    as large, p = (k + 1) / (n + 1).

    Args:
        units: Counts of both runs, from :func:`fertools.metrics.pairing.count_pair`.
        num_permutations: Patterns to draw where there are too many to try all.
        seed: Of the drawing.

    Returns:
        One test a metric, from the same patterns.

    Reference:
        Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 3rd ed. 2005; whole
        blocks: Winkler et al., "Multi-level block permutation", NeuroImage 123, 2015; the ones in
        the quotient: Phipson and Smyth, "Permutation P-values should never be zero", Statistical
        Applications in Genetics and Molecular Biology 9(1), 2010.
    """
    gain = units.counts[:, 1:3] - units.counts[:, 3:5]  # (T, 2, K): what changing sides moves
    differs = gain.any(axis=(1, 2))
    gain, copies = gain[differs], units.copies[differs]
    num_differing = int(copies.sum())
    moved, is_exact = permutation_moves(gain, copies, num_permutations=num_permutations, seed=seed)
    total = np.tensordot(units.copies.astype(np.float64), units.counts, axes=1)  # (5, K)
    drawn = np.broadcast_to(total, (len(moved), *total.shape)).copy()
    drawn[:, 1:3] -= moved
    drawn[:, 3:5] += moved
    seen, tried, added = differences_of_counts(total), len(moved), 0 if is_exact else 1
    return {
        name: PermutationTest(
            p_value=(int((np.abs(values) >= np.abs(seen[name]) - _TIE).sum()) + added)
            / (tried + added),
            smallest_p=min(1.0, 2 / tried) if is_exact else 1 / (tried + 1),
            method="exact" if is_exact else "sampled",
            unit=units.name,
            num_units=units.num_units,
            num_differing=num_differing,
            num_permutations=tried,
            seed=None if is_exact else seed,
        )
        for name, values in differences_of_counts(drawn).items()
    }


def permutation_moves(
    gain: NDArray[np.float64], copies: NDArray[np.int64], *, num_permutations: int, seed: int
) -> tuple[NDArray[np.float64], bool]:
    """What changing sides moves, pattern by pattern.

    Args:
        gain: What each row of people moves when they change sides, ``(T, M, C)``; not all zeros.
        copies: How many people have this gain, ``(T,)``.
        num_permutations: Patterns to draw where there are too many to try all.
        seed: Of the drawing.

    Returns:
        Shape ``(patterns, M, C)``, and whether every pattern is there.
    """
    if int(copies.sum()) <= MAX_EXACT_UNITS:
        return _every_move(gain, copies), True
    return _moves(gain, copies, num_permutations, seed), False


def _every_move(gain: NDArray[np.float64], copies: NDArray[np.int64]) -> NDArray[np.float64]:
    """What every pattern moves, ``(2**people, 2, K)``; the first moves nothing."""
    people = np.repeat(gain, copies, axis=0)
    patterns = np.arange(2 ** len(people))[:, None] >> np.arange(len(people)) & 1
    return np.tensordot(patterns.astype(np.float64), people, axes=1)


def _moves(
    gain: NDArray[np.float64], copies: NDArray[np.int64], num_permutations: int, seed: int
) -> NDArray[np.float64]:
    """What drawn patterns move, ``(num_permutations, 2, K)``; each person by the toss of a coin."""
    rng = np.random.default_rng([seed])
    several = copies > 1

    def draw(size: int) -> NDArray[np.int64]:
        turned = rng.integers(0, 2, size=(size, len(copies)))
        turned[:, several] = rng.binomial(copies[several], 0.5, size=(size, int(several.sum())))
        return turned

    return sum_drawn(gain, draw, num_permutations)
