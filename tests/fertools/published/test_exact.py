from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from fertools.published.exact import (
    CUTS,
    ROUNDINGS,
    could_be_count,
    count_behind,
    deviation_odds,
    neighbours,
    sizes_for_all,
    smallest_runs,
    written,
)

printed = st.integers(0, 10_000)
sizes = st.integers(1, 300)


def shares(
    pictures: int, decimals: int, *, ways: Mapping[str, Callable[[Fraction], int]] = ROUNDINGS
) -> set[str]:
    """Every share of so many pictures as it may be printed, by brute force."""
    return {
        written(Fraction(100 * hits, pictures), decimals, how)
        for hits in range(pictures + 1)
        for how in ways.values()
    }


@given(printed, sizes)
def test_a_count_is_found_just_when_some_share_is_printed_so(units: int, pictures: int) -> None:
    text = written(Fraction(units, 100), 2)
    rounded = text in shares(pictures, 2)
    assert could_be_count(units, 10_000, pictures) == rounded
    found = count_behind(Fraction(text), 2, pictures)
    if rounded:
        assert found is not None
        assert found[1] in ROUNDINGS
        assert written(Fraction(100 * found[0], pictures), 2, ROUNDINGS[found[1]]) == text
    elif text in shares(pictures, 2, ways=CUTS):
        assert found is not None
        assert found[1] in CUTS
    else:
        assert found is None


@given(printed, sizes)
def test_a_printed_share_lies_between_its_neighbours(units: int, pictures: int) -> None:
    lower, upper = neighbours(Fraction(units, 100), pictures)
    assert (
        Fraction(100 * lower, pictures) <= Fraction(units, 100) <= Fraction(100 * upper, pictures)
    )
    assert upper - lower <= 1


@given(st.integers(1, 60), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_the_true_size_is_among_those_that_would_do(pictures: int, parts: list[float]) -> None:
    texts = [written(Fraction(100 * round(part * pictures), pictures), 2) for part in parts]
    cells = [(int(Fraction(text) * 100), 10_000) for text in texts]
    all_fit, best, num_best, smallest = sizes_for_all(cells, 60)
    assert pictures in all_fit
    assert best == all_fit[0] == smallest <= pictures
    assert num_best == len(cells)
    assert smallest_runs(cells, pictures) == 1


def test_ties_are_rounded_both_ways() -> None:
    assert count_behind(Fraction("12.5"), 1, 8) == (1, "half up")
    assert count_behind(Fraction("12"), 0, 8) == (1, "half to even")  # 12.5
    assert count_behind(Fraction("13"), 0, 8) == (1, "half up")
    assert count_behind(Fraction("37"), 0, 8) == (3, "cut off")  # 37.5 goes up, or to even 38


def test_all_and_none_are_counts_of_any_number_of_pictures() -> None:
    for pictures in (1, 7, 100):
        assert count_behind(Fraction(100), 1, pictures) == (pictures, "half up")
        assert count_behind(Fraction(0), 2, pictures) == (0, "half up")


@pytest.mark.parametrize(("deviation", "mean", "pictures"), [(0.18, 87.02, 840), (1.3, 60, 200)])
def test_odds_are_those_of_the_chi_square(deviation: float, mean: float, pictures: int) -> None:
    expected, odds = deviation_odds(deviation, mean, pictures)
    assert expected == pytest.approx(100 * np.sqrt(mean / 100 * (1 - mean / 100) / pictures))
    assert odds == pytest.approx(chi2.cdf(4 * (deviation / expected) ** 2, df=4))


def test_whole_percents_are_written_without_a_point() -> None:
    assert written(Fraction(1, 2), 0) == "1"
    assert written(Fraction(5, 100), 2) == "0.05"
