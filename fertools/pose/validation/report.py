"""A validation as JSON, as CSV, and as a page of Markdown with its figures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fertools import __version__
from fertools.errors import ManifestError, OutputError
from fertools.jobs import read_note, write_bytes, write_json, write_text
from fertools.pose.validation.assess import CORE, Assessment, PartFigures
from fertools.pose.validation.decisions import NEAR_DEG, Decision
from fertools.pose.validation.errors import ANGLES, Errors
from fertools.pose.validation.outcome import Outcome
from fertools.pose.validation.tables import (
    bin_table,
    decision_table,
    error_table,
    short_answers,
)

__all__ = ["as_json", "check_folder", "write_report"]

_JSON = "validation.json"  # the first file that is written, so a report's folder has it
_MAX_BYTES = 500_000_000

_WHAT = {
    "yaw.png": "Signed errors of yaw and pitch against the true yaw",
    "cells.png": "Mean geodesic error against true yaw and pitch",
    "scatter.png": "Estimated against true yaw",
    "decisions.png": "Precision and recall of the decisions",
    "noise.png": "Errors against the noise of the landmarks",
}


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a report.

    Raises:
        OutputError: If it does, or is no folder.
    """
    if not folder.exists():
        return
    other = "choose another folder with --out"
    if not folder.is_dir():
        raise OutputError(f"{folder}: is no folder; {other}")
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if names and not _is_report(folder / _JSON):
        raise OutputError(
            f"{folder}: holds {names[0]!r} and no report, so it is not ours to write into; {other}"
        )


def _is_report(path: Path) -> bool:
    """Whether a file is a report's JSON."""
    try:
        return "decided_on" in read_note(path, max_bytes=_MAX_BYTES, remedy="")
    except ManifestError:
        return False


def write_report(outcome: Outcome, folder: Path) -> Path:
    """Write ``validation.json``, ``validation.csv``, the figures and ``report.md``.

    Returns:
        The page's path.

    Raises:
        OutputError: If the folder is something else's, or a file cannot be written.
    """
    check_folder(folder)
    from fertools.pose.validation.figures import draw_figures

    write_json(folder / _JSON, as_json(outcome))
    write_text(folder / "validation.csv", _as_csv(outcome))
    pictures = draw_figures(outcome)
    for name, data in pictures.items():
        write_bytes(folder / name, data)
    for name in _WHAT.keys() - pictures.keys():  # of an earlier run
        (folder / name).unlink(missing_ok=True)
    page = folder / "report.md"
    write_text(page, _page(outcome, list(pictures)))
    return page


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything as JSON values; what is not known is null."""
    truth, like = outcome.truth, outcome.like
    return {
        "synthetic": outcome.is_synthetic,
        "tool_version": __version__,
        "manifest": {
            "dataset": truth.manifest.info.dataset,
            "digest": truth.manifest.info.digest,
            "num_samples": len(truth),
            "num_people": len(set(truth.people.tolist())),
            "num_of_unknown_pose": truth.num_unknown,
            "pose_source": truth.sources,
        },
        "distribution": outcome.distribution,
        "decided_on": outcome.part,
        "angle_convention": outcome.convention,
        "min_confidence": outcome.min_confidence,
        "core_deg": {"yaw": CORE[0], "pitch": CORE[1]},
        "near_deg": NEAR_DEG,
        "seed": outcome.seed,
        "like": None
        if like is None
        else {
            "source": like.source,
            "num": like.num,
            "covered": _plain(like.covered),
            "effective_renders": _plain(like.effective),
            "synthetic": like.is_synthetic,
        },
        "estimators": [_estimator(assessment) for assessment in outcome.assessments],
        "not_run": outcome.not_run,
    }


def _estimator(assessment: Assessment) -> dict[str, Any]:
    """One estimator at one noise."""
    estimates = assessment.estimates
    reasons = [reason for reason in estimates.reasons if reason is not None]
    return {
        "name": estimates.estimator,
        "version": estimates.version,
        "noise_percent": estimates.noise,
        "calibrated": estimates.is_calibrated,
        "without_pose": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "parts": {figures.part: _part(figures) for figures in assessment.parts},
        "like": None if assessment.like is None else _part(assessment.like),
    }


def _part(figures: PartFigures) -> dict[str, Any]:
    """Figures of a part."""
    return {
        "regions": {name: _errors(errors) for name, errors in figures.regions.items()},
        "bins": {
            name: [{f"{name}_deg": value, **_errors(errors)} for value, errors in values.items()]
            for name, values in figures.bins.items()
        },
        "cells": [
            {"yaw_deg": yaw, "pitch_deg": pitch, **_errors(errors)}
            for (yaw, pitch), errors in figures.cells.items()
        ],
        "decisions": [_decision(decision) for decision in figures.decisions],
    }


def _errors(errors: Errors) -> dict[str, Any]:
    """Errors, rounded as far as they mean something."""
    return {name: _plain(value) for name, value in asdict(errors).items()}


def _decision(decision: Decision) -> dict[str, Any]:
    """Counts, and what follows from them."""
    rule = decision.rule
    counts = {k: _plain(v) for k, v in asdict(decision).items() if k not in ("rule", "scope")}
    return {
        "rule": rule.rule,
        "threshold_deg": rule.min_yaw,
        "angle_convention": rule.convention,
        "scope": decision.scope,
        "precision": _plain(decision.precision),
        "precision_interval": [_plain(value) for value in decision.precision_interval],
        "recall": _plain(decision.recall),
        "recall_interval": [_plain(value) for value in decision.recall_interval],
        "recall_of_known": _plain(decision.recall_of_known),
        "recall_of_known_interval": [_plain(v) for v in decision.recall_of_known_interval],
        **counts,
    }


def _plain(value: Any) -> Any:
    """JSON has no NaN; six digits are more than is known."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def _as_csv(outcome: Outcome) -> str:
    """The errors, one row an estimator, part and bin."""
    text = io.StringIO()
    columns = ["synthetic", "estimator", "noise_percent", "calibrated", "part", "bin"]
    columns += ["yaw_deg", "pitch_deg", "fov_deg", "num", "found", "low_confidence"]
    kinds = ("bias", "mae", "p95", "low", "high")
    columns += [f"{name}_{kind}" for name in (*ANGLES, "geodesic") for kind in kinds]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for assessment in outcome.assessments:
        estimates = assessment.estimates
        start = {
            "synthetic": outcome.is_synthetic,
            "estimator": estimates.estimator,
            "noise_percent": estimates.noise,
            "calibrated": estimates.is_calibrated,
        }
        whole = (*assessment.parts, *([assessment.like] if assessment.like else []))
        for figures in whole:
            for place, errors in _bins(figures):
                writer.writerow({**start, "part": figures.part, **place, **_row(errors)})
    return text.getvalue()


def _bins(figures: PartFigures) -> Iterator[tuple[dict[str, Any], Errors]]:
    """Regions, bins and cells with what they are called."""
    for name, errors in figures.regions.items():
        yield {"bin": name}, errors
    for name, values in figures.bins.items():
        for value, errors in values.items():
            yield {"bin": name, f"{name}_deg": value}, errors
    for (yaw, pitch), errors in figures.cells.items():
        yield {"bin": "cell", "yaw_deg": yaw, "pitch_deg": pitch}, errors


def _row(errors: Errors) -> dict[str, Any]:
    """Errors as columns."""
    row: dict[str, Any] = {
        "num": errors.num,
        "found": _plain(errors.found),
        "low_confidence": _plain(errors.low_confidence),
    }
    for name in (*ANGLES, "geodesic"):
        for kind, value in (_plain(asdict(errors))[name] or {}).items():
            row[f"{name}_{kind}"] = value
    return row


def _page(outcome: Outcome, pictures: list[str]) -> str:
    """The page."""
    truth = outcome.truth
    mark = " (synthetic)" if outcome.is_synthetic else ""
    lines = [
        f"# Estimators of head pose against {truth.manifest.info.dataset}{mark}",
        "",
        f"{len(truth):,} samples of {len(set(truth.people.tolist())):,} people{mark}, manifest "
        f"{truth.manifest.info.digest[:12]}. Truth: {outcome.truth_note}.",
        "",
        f"Precision depends on how poses are distributed; here: {outcome.distribution}.",
        "",
        "## In short",
        "",
        *(f"- {line}" for line in short_answers(outcome)),
        "",
        "## Errors",
        "",
        f"Degrees; part {outcome.part}. Mean absolute errors with 95 % intervals (people drawn "
        "with replacement); *found*: has a pose; *unsure*: of these, confidence below "
        f"{outcome.min_confidence:g}, which count here and not in decisions.",
        "",
        error_table(outcome),
        "",
        "## Decisions",
        "",
        "*right*: large and picked; *wrong*: not large but picked; *missed*: large, not picked; "
        "*unknown*: no pose, or unsure. An unknown large one lowers recall; recall *of known* "
        "leaves them out. *near*: the true angle is within 5 degrees of the threshold.",
        "",
        decision_table(outcome),
        "",
        *_like_lines(outcome),
        *_not_run_lines(outcome),
        "## Figures",
        "",
    ]
    for name in pictures:
        lines += [f"![{_WHAT[name]}]({name})", "", f"*{_WHAT[name]}{mark}.*", ""]
    for assessment in outcome.assessments:
        label = assessment.estimates.label
        lines += [f"## {label}, bin by bin", "", f"`{assessment.estimates.version}`", ""]
        for by, values in assessment.of(outcome.part).bins.items():
            if values:
                lines += [bin_table(assessment, outcome.part, by=by), ""]
    return "\n".join(lines)


def _like_lines(outcome: Outcome) -> list[str]:
    """The decisions as they would be on the user's poses."""
    like = outcome.like
    if like is None:
        return []
    return [
        "## Decisions on poses distributed as yours",
        "",
        f"{like.num:,} poses of {like.source}{' (synthetic)' if like.is_synthetic else ''}, "
        f"{like.covered:.1%} of them where there are renders (the others count in no figure). The "
        f"weighted renders know as much as {like.effective:,.0f} without weights.",
        "",
        decision_table(outcome, is_like=True),
        "",
    ]


def _not_run_lines(outcome: Outcome) -> list[str]:
    """Who is not here, and why."""
    if not outcome.not_run:
        return []
    rows = [f"- {name}: {reason}" for name, reason in outcome.not_run.items()]
    return ["## Not validated", "", *rows, ""]
