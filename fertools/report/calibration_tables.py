"""Whether scores can be believed, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fertools.report.tables import Table, texts
from fertools.report.wording import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["calibration_rows", "calibration_table", "reliability_table"]


def calibration_rows(calibration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each figure; rates in per cent."""
    num_bins = calibration["num_bins"]
    rows = [
        (f"Calibration error, {num_bins} bins of equal width (ECE)", percent(calibration["ece"])),
        (
            f"Calibration error, {num_bins} bins of equal numbers",
            percent(calibration["ece_equal_mass"]),
        ),
        ("Largest error in a bin of equal width", percent(calibration["max_error"])),
        ("Mean confidence", percent(calibration["confidence"])),
        ("Accuracy, of pictures with a face", percent(calibration["accuracy"])),
        ("Negative log likelihood", f"{calibration['nll']:.3f}"),
        ("Brier score (0 to 2)", f"{calibration['brier']:.3f}"),
    ]
    if calibration["num_zero"]:
        rows.append(("Pictures whose true expression scored 0", count(calibration["num_zero"])))
    if calibration["num_not_found"]:
        rows.append(("Left out: no face found", count(calibration["num_not_found"])))
    return rows


def calibration_table(calibration: Mapping[str, Any]) -> Table:
    """The figures of calibration."""
    rows = tuple(texts(*row) for row in calibration_rows(calibration))
    return Table("calibration", "How far confidence and accuracy agree", ("Figure", "Value"), rows)


def reliability_table(calibration: Mapping[str, Any]) -> Table:
    """Confidence and accuracy of each bin of equal width that holds answers."""
    rows = tuple(
        texts(
            f"{100 * row['low']:.1f} – {100 * row['high']:.1f}",
            count(row["num_samples"]),
            percent(row["confidence"], sign=False),
            percent(row["accuracy"], sign=False),
        )
        for row in calibration["bins"]
        if row["num_samples"]
    )
    return Table(
        "reliability",
        "Answers by confidence, in %: as many should be right as the model is confident of",
        ("Confidence", "Pictures", "Mean confidence", "Accuracy"),
        rows,
        units=("%", "", "%", "%"),
    )
