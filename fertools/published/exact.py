"""Exact arithmetic on printed percentages: what a count can give, what an average can be.

All values are fractions, so that no answer hangs on how a float is stored. A printed figure is
taken to be rounded, ties up or ties to even; whether cutting off or rounding up explains a figure
that rounding does not is told apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

__all__ = [
    "CUTS",
    "ROUNDINGS",
    "could_be_count",
    "count_behind",
    "deviation_odds",
    "neighbours",
    "sizes_for_all",
    "smallest_runs",
    "written",
]

ROUNDINGS: Mapping[str, Callable[[Fraction], int]] = MappingProxyType(
    {"half up": lambda value: math.floor(value + Fraction(1, 2)), "half to even": round}
)
"""Ways to round to a whole number that a careful author uses."""

CUTS: Mapping[str, Callable[[Fraction], int]] = MappingProxyType(
    {"cut off": math.floor, "rounded up": math.ceil}
)
"""Ways that only make a figure possible which rounding does not."""


def written(value: Fraction, decimals: int, how: Callable[[Fraction], int] | None = None) -> str:
    """A value as it is printed.

    Args:
        value: Not negative.
        decimals: Digits behind the point.
        how: One of :data:`ROUNDINGS` or :data:`CUTS`; half up where it is None.

    Example:
        >>> written(Fraction("78.325"), 2), written(Fraction("78.325"), 2, round)
        ('78.33', '78.32')
    """
    units = (how or ROUNDINGS["half up"])(value * 10**decimals)
    whole, part = divmod(units, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)


def neighbours(percent: Fraction, pictures: int) -> tuple[int, int]:
    """The counts whose shares lie next to a percentage: not above it, and not below it.

    Example:
        >>> neighbours(Fraction("77.71"), 400)
        (310, 311)
    """
    share = percent * pictures / 100
    return math.floor(share), math.ceil(share)


def count_behind(percent: Fraction, decimals: int, pictures: int) -> tuple[int, str] | None:
    """A count whose share is printed so, and the way of rounding that does it.

    Args:
        percent: The printed figure, 0 to 100.
        decimals: Digits printed behind the point.
        pictures: How many pictures the share is of, above 0.

    Returns:
        The count and the key of :data:`ROUNDINGS`, else of :data:`CUTS`; None if there is none.

    Example:
        >>> count_behind(Fraction("33.33"), 2, 3)
        (1, 'half up')
        >>> count_behind(Fraction("66.66"), 2, 3)
        (2, 'cut off')
        >>> count_behind(Fraction("77.71"), 2, 400)
    """
    wanted = percent * 10**decimals
    for name, how in (*ROUNDINGS.items(), *CUTS.items()):
        for count in neighbours(percent, pictures):
            if how(Fraction(100 * count, pictures) * 10**decimals) == wanted:
                return count, name
    return None


def could_be_count(units: int, scale: int, pictures: int) -> bool:
    """Whether rounding some count's share gives ``units / scale`` of the whole.

    The same as :func:`count_behind` with :data:`ROUNDINGS`, in whole numbers, for many sizes.

    Args:
        units: The printed figure without its point, such as 7771.
        scale: What 100 % would be in these units, such as 10000.
        pictures: How many pictures the share is of.

    Example:
        >>> could_be_count(7771, 10_000, 400), could_be_count(7775, 10_000, 400)
        (False, True)
    """
    lower = units * pictures // scale
    for count in (lower, lower + 1):
        twice_off = 2 * (count * scale - units * pictures)
        if -pictures <= twice_off < pictures or (twice_off == pictures and units % 2 == 0):
            return True
    return False


def sizes_for_all(cells: Sequence[tuple[int, int]], limit: int) -> tuple[list[int], int, int, int]:
    """Which numbers of pictures make printed figures possible.

    Args:
        cells: ``units`` and ``scale`` of :func:`could_be_count`, one pair a figure.
        limit: Greatest number that is tried.

    Returns:
        Every number up to ``limit`` with which all are possible; the number with which most
        are, the smallest of several; how many that is; the smallest number at all with which
        all are possible.

    Example:
        >>> sizes_for_all([(3333, 10_000), (6667, 10_000)], 7)
        ([3, 6], 3, 2, 3)
    """
    fits = {
        size: sum(could_be_count(*cell, size) for cell in cells) for size in range(1, limit + 1)
    }
    best = max(fits, key=lambda size: fits[size])
    all_fit = [size for size in fits if fits[size] == len(cells)]
    return all_fit, best, fits[best], smallest_runs(cells, 1)


def smallest_runs(cells: Sequence[tuple[int, int]], pictures: int) -> int:
    """How many runs over the same pictures must be averaged to make printed figures possible.

    Args:
        cells: As for :func:`sizes_for_all`.
        pictures: Of one run.

    Example:
        >>> smallest_runs([(3333, 10_000)], 2)
        3
    """
    runs = 1  # ends at the finest scale at the latest: there every figure is a count itself
    while not all(could_be_count(*cell, runs * pictures) for cell in cells):
        runs += 1
    return runs


def deviation_odds(deviation: float, mean: float, pictures: int) -> tuple[float, float]:
    """How far five folds differ by chance alone, and how rarely as little as printed.

    Pictures that are right or wrong independently with the same probability give folds whose
    accuracies scatter binomially; four times the ratio of the variances is then a chi-square of
    4 degrees of freedom. Pictures of one person are not independent, so real folds by person
    scatter more.

    Args:
        deviation: Printed sample standard deviation over five folds, percent.
        mean: Accuracy, percent, between 0 and 100.
        pictures: Of one fold.

    Returns:
        The standard deviation to expect, in percent, and the probability of one as small.

    Example:
        >>> [round(part, 4) for part in deviation_odds(0.18, 87.02, 840)]
        [1.1596, 0.0011]
    """
    expected = 100 * math.sqrt(mean / 100 * (1 - mean / 100) / pictures)
    half = 4 * (deviation / expected) ** 2 / 2
    return expected, 1 - math.exp(-half) * (1 + half)
