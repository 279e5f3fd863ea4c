"""The figures of a validation, drawn so that each can travel alone; equal numbers, equal bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from fertools.pose.conventions import get_convention
from fertools.pose.validation.assess import BIN_DEG, Assessment
from fertools.pose.validation.decisions import Decision
from fertools.pose.validation.outcome import Outcome
from fertools.pose.validation.tables import BRIEF_NOISES, is_main

__all__ = ["draw_figures"]

_INK, _MUTED, _LINE = "#1b1f24", "#59636e", "#d1d9e0"
_YAW, _PITCH = "#0072b2", "#d55e00"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKS = "osDv^Px"
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
}
_SHARES = {
    "precision": "precision",
    "recall": "recall",
    "recall_of_known": "recall where a sure pose is known",
}
_MAX_PANELS = 9
_WORST_DEG = 30.0


def draw_figures(outcome: Outcome) -> dict[str, bytes]:
    """Draw all figures that there is something for.

    Args:
        outcome: What was measured. Landmark estimators are drawn without noise and with 3 %; the
            curve over the noise has all.

    Returns:
        File name to PNG.
    """
    shown = [a for a in outcome.assessments if a.estimates.noise in BRIEF_NOISES][:_MAX_PANELS]
    pictures = {"yaw.png": _draw(outcome, "Errors against true yaw", _yaw_figure, shown)}
    if outcome.truth.has_all_angles:
        title = "Mean geodesic error, degrees"
        pictures["cells.png"] = _draw(outcome, title, _cells_figure, shown)
    pictures["scatter.png"] = _draw(outcome, "Estimated against true yaw", _scatter_figure, shown)
    title = "Precision and recall with 95 % intervals"
    pictures["decisions.png"] = _draw(outcome, title, _decisions_figure, shown)
    noisy = [a for a in outcome.assessments if a.estimates.noise is not None]
    if len({a.estimates.noise for a in noisy}) > 1 and outcome.truth.has_all_angles:
        title = "Errors against landmark noise"
        pictures["noise.png"] = _draw(outcome, title, _noise_figure, noisy)
    return pictures


_Drawer = Callable[[Outcome, Sequence[Assessment]], Figure]


def _draw(outcome: Outcome, title: str, drawer: _Drawer, shown: Sequence[Assessment]) -> bytes:
    """A figure as PNG, its title saying what it was measured on."""
    with mpl.rc_context(_STYLE):
        figure = drawer(outcome, shown)
        dataset = outcome.truth.manifest.info.dataset
        mark = ", synthetic stand-in data" if outcome.is_synthetic else ""
        figure.suptitle(f"{title} ({dataset}{mark})", fontsize=11, x=0.01, ha="left")
        FigureCanvasAgg(figure)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return png.getvalue()


def _panels(num: int, *, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure of equal panels."""
    columns = min(columns, num)
    rows = -(-num // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in panels[num:]:
        axes.set_visible(False)
    return figure, list(panels[:num])


def _yaw_figure(outcome: Outcome, shown: Sequence[Assessment]) -> Figure:
    """Mean signed errors, with the range of 90 % of the samples, about each true yaw."""
    figure, panels = _panels(len(shown), columns=3, size=(3.4, 2.6))
    truth = outcome.truth
    mine = truth.parts == outcome.part
    bins = np.round(truth.angles[:, 0] / BIN_DEG) * BIN_DEG + 0.0
    for axes, assessment in zip(panels, shown, strict=True):
        axes.axhline(0, color=_MUTED, linewidth=0.8)
        for place, (name, colour) in enumerate((("yaw", _YAW), ("pitch", _PITCH))):
            errors = assessment.found.angles[:, place]
            known = mine & np.isfinite(errors)
            centres = np.unique(bins[known])
            groups = [errors[known & (bins == centre)] for centre in centres]
            if not groups:
                continue
            low, high = np.array([np.percentile(group, [5, 95]) for group in groups]).T
            axes.fill_between(centres, low, high, color=colour, alpha=0.18, linewidth=0)
            means = [float(group.mean()) for group in groups]
            axes.plot(centres, means, color=colour, marker="os"[place], ms=3, lw=1.4, label=name)
        axes.set_title(assessment.estimates.label)
        axes.set_ylim(-_WORST_DEG, _WORST_DEG)
        _degree_axis(axes)
        axes.grid(axis="y", color=_LINE, linewidth=0.6)
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(frameon=False, fontsize=8, ncols=2, loc="upper center")
    figure.supxlabel("true yaw, degrees (bands: 5 to 95 % of the samples)", fontsize=9)
    figure.supylabel("estimate − truth, degrees", fontsize=9)
    return figure


def _cells_figure(outcome: Outcome, shown: Sequence[Assessment]) -> Figure:
    """Mean geodesic error in cells of 15 degrees; a second line where poses are missing."""
    figure, panels = _panels(len(shown), columns=2, size=(5.6, 2.2))
    part = "grid" if "grid" in outcome.truth.part_names else outcome.part
    for axes, assessment in zip(panels, shown, strict=True):
        cells = assessment.of(part).cells
        yaws, pitches = (sorted({key[place] for key in cells}) for place in (0, 1))
        means = np.full((len(pitches), len(yaws)), np.nan)
        for (yaw, pitch), errors in cells.items():
            row, column = pitches.index(pitch), yaws.index(yaw)
            means[row, column] = errors.geodesic.mae if errors.geodesic else np.nan
        colours = mpl.colormaps["YlOrBr"].with_extremes(bad="#eeeeee")
        axes.imshow(means, origin="lower", aspect="auto", cmap=colours, vmin=0, vmax=_WORST_DEG)
        for (yaw, pitch), errors in cells.items():
            row, column = pitches.index(pitch), yaws.index(yaw)
            text = "–" if np.isnan(means[row, column]) else f"{means[row, column]:.0f}"
            if 0.0 < errors.found < 0.995:
                text += f"\n{errors.found:.0%}"
            is_dark = means[row, column] > 0.55 * _WORST_DEG
            colour = "white" if is_dark else _INK
            axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
        axes.set_xticks(range(len(yaws)), [f"{yaw:.0f}".replace("-", "−") for yaw in yaws])
        axes.set_yticks(range(len(pitches)), [f"{p:.0f}".replace("-", "−") for p in pitches])
        axes.tick_params(length=0, labelsize=7.5)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(assessment.estimates.label)
    figure.supxlabel("true yaw (a second line: share with a pose; –: none)", fontsize=9)
    figure.supylabel("true pitch", fontsize=9)
    return figure


def _scatter_figure(outcome: Outcome, shown: Sequence[Assessment]) -> Figure:
    """A dot a sample; shaded where the >30 decision is wrong."""
    figure, panels = _panels(len(shown), columns=3, size=(3.0, 3.0))
    truth = outcome.truth
    mine = truth.parts == outcome.part
    for axes, assessment in zip(panels, shown, strict=True):
        yaw = get_convention("fertools").angles(assessment.estimates.rotations)[:, 0]
        known = mine & np.isfinite(yaw)
        for low, high in ((-90, -30), (30, 90)):
            axes.fill_between([low, high], -30, 30, color="#f3d9cf", linewidth=0)
            axes.fill_betweenx([low, high], -30, 30, color="#f3d9cf", linewidth=0)
        axes.plot([-90, 90], [-90, 90], color=_MUTED, linewidth=0.8)
        axes.scatter(truth.angles[known, 0], yaw[known], s=4, color=_YAW, alpha=0.4, linewidths=0)
        missing = int(mine.sum() - known.sum())
        note = f" ({missing:,} without a pose)" if missing else ""
        axes.set_title(assessment.estimates.label + note)
        axes.set_ylim(-100, 100)
        _degree_axis(axes)
        axes.yaxis.set_major_locator(MultipleLocator(30))
    figure.supxlabel("true yaw (shaded: the decision >30° is wrong)", fontsize=9)
    figure.supylabel("estimated yaw", fontsize=9)
    return figure


def _decisions_figure(outcome: Outcome, shown: Sequence[Assessment]) -> Figure:
    """Precision and recall with their intervals: a colour an estimator, hollow with noise."""
    labels = [_name(d) for d in _decided(shown[0], outcome.part)]
    names = list(dict.fromkeys(assessment.estimates.estimator for assessment in shown))
    step = 0.8 / len(shown)
    height = 1.2 + len(labels) * (0.15 * len(shown) + 0.16)
    figure = Figure(figsize=(9.6, height), layout="constrained")
    panels = figure.subplots(1, len(_SHARES), sharex=True, sharey=True)
    lowest = 1.0
    for axes, (what, words) in zip(panels, _SHARES.items(), strict=True):
        for number, assessment in enumerate(shown):
            decisions = _decided(assessment, outcome.part)
            values = np.array([getattr(d, what) for d in decisions])
            ends = np.array([getattr(d, f"{what}_interval") for d in decisions])
            places = np.arange(len(labels)) + (number - (len(shown) - 1) / 2) * step
            known = np.isfinite(values) & np.isfinite(ends).all(axis=1)
            lowest = min([lowest, *ends[known].ravel()])
            place = names.index(assessment.estimates.estimator)
            axes.errorbar(
                values[known],
                places[known],
                xerr=np.clip(np.abs(ends[known].T - values[known]), 0, None),
                fmt=_MARKS[place % len(_MARKS)],
                color=_COLOURS[place % len(_COLOURS)],
                markerfacecolor="white" if assessment.estimates.noise else None,
                markersize=4.5,
                linewidth=1.2,
                label=assessment.estimates.label,
            )
        axes.set_xlabel(words)
        axes.grid(axis="x", color=_LINE, linewidth=0.6)
        for edge in np.arange(len(labels) - 1) + 0.5:
            axes.axhline(edge, color=_LINE, linewidth=0.6)
    panels[0].set_xlim(max(0.0, lowest - 0.02), 1.01)
    panels[0].set_yticks(range(len(labels)), labels)
    panels[0].set_ylim(len(labels) - 0.5, -0.5)
    panels[0].tick_params(axis="y", length=0)
    legend = panels[0].get_legend_handles_labels()
    figure.legend(*legend, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _noise_figure(outcome: Outcome, shown: Sequence[Assessment]) -> Figure:
    """Mean absolute errors of moderate poses over the noise."""
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    series: dict[str, list[Assessment]] = {}
    for assessment in shown:
        name = assessment.estimates.estimator
        name += ", calibrated" if assessment.estimates.is_calibrated else ""
        series.setdefault(name, []).append(assessment)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, what in zip(panels, ("yaw", "pitch"), strict=True):
        for number, (name, points) in enumerate(series.items()):
            values: list[float] = []
            for assessment in points:
                regions = assessment.of(outcome.part).regions
                errors = getattr(regions.get("core", regions["all"]), what)
                values.append(errors.mae if errors else float("nan"))
            noises = [assessment.estimates.noise for assessment in points]
            axes.plot(noises, values, marker=_MARKS[number], color=_COLOURS[number], label=name)
        axes.set_xlabel("noise, % of the eye distance")
        axes.set_title(f"{what}, |yaw| ≤ 60°, |pitch| ≤ 30°")
        axes.grid(axis="y", color=_LINE, linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    panels[0].set_ylim(0, 1.12 * panels[0].get_ylim()[1])
    figure.supylabel("mean absolute error, degrees", fontsize=9)
    return figure


def _decided(assessment: Assessment, part: str) -> list[Decision]:
    """The main decisions on all samples, not only near the threshold."""
    return [d for d in assessment.of(part).decisions if d.scope == "all" and is_main(d.rule)]


def _name(decision: Decision) -> str:
    """A decision on two short lines."""
    return f"{decision.rule.words}\n{decision.rule.convention}"


def _degree_axis(axes: Axes) -> None:
    """True yaw in steps of 30 degrees."""
    axes.set_xlim(-95, 95)
    axes.xaxis.set_major_locator(MultipleLocator(30))
