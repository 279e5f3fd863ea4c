"""The tables of a validation in Markdown, wide enough to be read as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from fertools.pose.rules import PoseRule
from fertools.pose.validation.assess import Assessment, PartFigures
from fertools.pose.validation.decisions import NEAR_DEG, Decision
from fertools.pose.validation.errors import AngleErrors, Errors
from fertools.pose.validation.outcome import Outcome

__all__ = [
    "BRIEF_NOISES",
    "bin_table",
    "decision_table",
    "error_table",
    "is_main",
    "markdown",
    "short_answers",
]

BRIEF_NOISES = (None, 0.0, 3.0)
"""Percent: what is shown where all would be too much; None of estimators without landmarks."""

_REGIONS = {"core": "yaw to 60°, pitch to 30°", "beyond": "beyond"}


def short_answers(outcome: Outcome) -> list[str]:
    """What each estimator is good for, a sentence or two: without noise, and with 3 %."""
    return [
        f"{assessment.estimates.label}: {_in_short(assessment.of(outcome.part))}"
        for assessment in outcome.assessments
        if assessment.estimates.noise in BRIEF_NOISES
    ]


def _in_short(figures: PartFigures) -> str:
    """Found rate, errors of moderate poses, and the decision at 30 degrees."""
    core = figures.regions.get("core")
    words = [f"finds a pose in {_percent(figures.regions['all'].found)}"]
    if core is not None:
        errs = [f"{_degrees(core.yaw.mae)}° in yaw"] if core.yaw else []
        errs += [f"{_degrees(core.pitch.mae)}° in pitch"] if core.pitch else []
        words.append(f"errs by {' and '.join(errs)} on average ({_REGIONS['core']})")
    pairs = list(zip(figures.decisions[::2], figures.decisions[1::2], strict=True))
    pairs.sort(key=lambda pair: (pair[0].rule.rule != "any", pair[0].rule.min_yaw))
    if pairs:
        whole, near = pairs[0]
        rule = f"{whole.rule.words} ({whole.rule.convention})"
        words.append(
            f"of the heads that it picks as {rule} {_percent(whole.precision)} are, and it picks "
            f"{_percent(whole.recall)} of those that are (within {NEAR_DEG:g}° of the threshold: "
            f"{_percent(near.precision)} and {_percent(near.recall)})"
        )
    return "; ".join(words)


def error_table(outcome: Outcome) -> str:
    """Errors of every estimator, in the moderate poses and beyond."""
    head = ["estimator", "poses", "samples", "found", "unsure"]
    head += ["yaw", "(95 %)", "pitch", "(95 %)", "roll", "geodesic", "p95"]
    rows = [
        [assessment.estimates.label, words, *_error_cells(regions[name])]
        for assessment in outcome.assessments
        for regions in [assessment.of(outcome.part).regions]
        for name, words in _REGIONS.items()
        if name in regions
    ]
    return markdown(head, rows)


def bin_table(assessment: Assessment, part: str, *, by: str) -> str:
    """Errors of one estimator in bins of 15 degrees.

    Args:
        assessment: Of the estimator.
        part: Of the samples.
        by: ``yaw``, ``pitch`` or ``fov``.
    """
    head = ["field of view" if by == "fov" else f"true {by}", "samples", "found"]
    head += ["yaw bias", "yaw MAE", "yaw p95", "pitch bias", "pitch MAE", "pitch p95"]
    head += ["geodesic", "p95"]
    rows = [
        [
            f"{value:.0f}°",
            f"{errors.num:,}",
            _percent(errors.found),
            *_signed(errors.yaw),
            *_signed(errors.pitch),
            *(_degrees(v) for v in _pair(errors.geodesic)),
        ]
        for value, errors in assessment.of(part).bins[by].items()
    ]
    return markdown(head, rows)


def decision_table(outcome: Outcome, *, is_like: bool = False, is_brief: bool = False) -> str:
    """Precision and recall of every decision, on all samples and near the threshold.

    Args:
        outcome: All figures.
        is_like: Of the renders weighted by the user's distribution.
        is_brief: Only by yaw in the project's convention and by any angle in the named one, and of
            landmarks only without noise and with 3 %.
    """
    head = ["estimator", "large is", "angles", "precision", "(95 %)", "recall", "(95 %)"]
    head += [
        "of known",
        "right",
        "wrong",
        "missed",
        "unknown",
        "near: precision",
        "recall",
        "of known",
    ]
    rows = []
    for assessment in outcome.assessments:
        figures: PartFigures | None = assessment.of(outcome.part)
        if is_like:
            figures = assessment.like
        decisions = figures.decisions if figures else ()
        for whole, near in zip(decisions[::2], decisions[1::2], strict=True):
            if is_brief and not (
                is_main(whole.rule) and assessment.estimates.noise in BRIEF_NOISES
            ):
                continue
            rows.append([assessment.estimates.label, *_decision_cells(whole, near)])
    return markdown(head, rows)


def is_main(rule: PoseRule) -> bool:
    """Whether a rule is shown where all would be too much: our yaw, and any of the named angles."""
    return rule.rule == "any" or (rule.rule == "yaw" and rule.convention == "fertools")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, padded; numbers to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    is_number = [
        bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(head))
    ]

    def drawn(cells: Sequence[str]) -> str:
        parts = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, is_number, strict=True)
        )
        return f"| {' | '.join(parts)} |"

    rule = [
        "-" * (w - 1) + ":" if right else "-" * w
        for w, right in zip(widths, is_number, strict=True)
    ]
    return "\n".join([drawn(head), drawn(rule), *map(drawn, rows)])


def _error_cells(errors: Errors) -> Iterator[str]:
    """Counts, and the errors of each angle."""
    yield f"{errors.num:,}"
    yield _percent(errors.found)
    yield _percent(errors.low_confidence)
    for angle in (errors.yaw, errors.pitch):
        yield _degrees(angle.mae if angle else math.nan)
        yield _interval(angle.low, angle.high, "{:.2f}") if angle else "–"
    yield _degrees(errors.roll.mae if errors.roll else math.nan)
    yield from (_degrees(value) for value in _pair(errors.geodesic))


def _decision_cells(whole: Decision, near: Decision) -> Iterator[str]:
    """Rule, and what came of it."""
    yield whole.rule.words
    yield whole.rule.convention
    yield _share(whole.precision)
    yield _interval(*whole.precision_interval, "{:.3f}")
    yield _share(whole.recall)
    yield _interval(*whole.recall_interval, "{:.3f}")
    yield _share(whole.recall_of_known)
    yield _count(whole.true_positive)
    yield _count(whole.false_positive)
    yield _count(whole.false_negative)
    yield _count(whole.unknown_positive + whole.unknown_negative)
    yield _share(near.precision)
    yield _share(near.recall)
    yield _share(near.recall_of_known)


def _signed(angle: AngleErrors | None) -> tuple[str, str, str]:
    """Bias, mean and 95th percentile."""
    if angle is None or math.isnan(angle.mae):
        return "–", "–", "–"
    return f"{angle.bias:+.2f}", _degrees(angle.mae), _degrees(angle.p95)


def _pair(angle: AngleErrors | None) -> tuple[float, float]:
    """Mean and 95th percentile."""
    return (angle.mae, angle.p95) if angle else (math.nan, math.nan)


def _degrees(value: float) -> str:
    """Two decimals."""
    return "–" if math.isnan(value) else f"{value:.2f}"


def _share(value: float) -> str:
    """Three decimals."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def _percent(value: float) -> str:
    """One decimal."""
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def _interval(low: float, high: float, form: str) -> str:
    """Two ends."""
    return "–" if math.isnan(low) else f"{form.format(low)} to {form.format(high)}"


def _count(value: float) -> str:
    """A whole number, or a sum of weights."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _is_number(text: str) -> bool:
    """Whether a cell is set to the right."""
    return (
        text == "–"
        or text.lstrip("+-−").replace(",", "").split(" ")[0].rstrip("°").replace(".", "").isdigit()
    )
