"""The tables of one run: overall, by view, expression, intensity and fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fertools.report.tables import Cell, Table, crossed, rate, texts
from fertools.report.wording import (
    METRIC_NAMES,
    NONE,
    count,
    interval_text,
    percent,
    view_heading,
    view_names,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "expression_table",
    "fold_table",
    "intensity_table",
    "rule_table",
    "score_table",
    "view_expression_table",
    "view_table",
]

_WIDE = 9
"""With more views than this a table has a row a view instead of a column a view."""

_RULES = {
    "fusion_softmax": "Both branches, softmax mixed",
    "fusion_logits": "Both branches, logits mixed",
    "global_branch": "Global branch alone",
    "local_branch": "Local branch alone",
}


def score_table(summary: Mapping[str, Any], *, primary: str = "") -> Table:
    """The overall figures with intervals, the protocol's primary one marked."""
    over_folds = summary["over_folds"]
    has_folds = summary["num_folds"] > 1
    rows = []
    for name, title in METRIC_NAMES.items():
        if summary[name] is None:
            continue
        row = [
            Cell(title, "primary" if name == primary else ""),
            Cell(percent(summary[name], sign=False)),
            Cell(interval_text(summary[f"{name}_interval"])),
        ]
        if has_folds:
            of_folds = over_folds.get(name)
            row.append(Cell(_spread(of_folds) if of_folds else NONE))
        rows.append(tuple(row))
    columns = ("Figure", "Value", "95 % interval", "Folds, mean ± SD")
    width = 4 if has_folds else 3
    return Table(
        "scores",
        "Overall figures, in %",
        columns[:width],
        tuple(rows),
        units=("", "%", "%", "%")[:width],
    )


def view_table(summary: Mapping[str, Any]) -> Table:
    """Accuracy of each view with its interval."""
    names = view_names(summary["per_view"])
    rows = tuple(
        (
            Cell(names[row["view_id"]]),
            Cell(count(row["num_samples"])),
            rate(row["accuracy"]),
            Cell(interval_text(row["interval"])),
        )
        for row in summary["per_view"]
    )
    foot = texts(
        "Mean of views",
        "",
        percent(summary["accuracy_mean_over_views"], sign=False),
        interval_text(summary["accuracy_mean_over_views_interval"]),
    )
    return Table(
        "views",
        "Accuracy by view, in %",
        (view_heading(names), "Pictures", "Accuracy", "95 % interval"),
        rows,
        (foot,),
        units=("", "", "%", "%"),
    )


def view_expression_table(summary: Mapping[str, Any]) -> Table:
    """Recall of each expression in each view, in the shape of the paper's Table 5."""
    cells = summary["view_expression"]
    every_name = view_names(summary["per_view"])
    names = [every_name[view] for view in cells["views"]]
    caption = "Recognised pictures by expression and view, in % (averages: plain means of cells)"
    if len(names) <= _WIDE:
        return crossed(
            "view-expression",
            caption,
            corner="Expression",
            rows=cells["expressions"],
            columns=names,
            body=cells["recall"],
            row_means=cells["mean_over_views"],
            column_means=cells["mean_over_expressions"],
            mean=cells["mean"],
        )
    return crossed(
        "view-expression",
        caption,
        corner=view_heading(every_name),
        rows=names,
        columns=cells["expressions"],
        body=list(zip(*cells["recall"], strict=True)),
        row_means=cells["mean_over_expressions"],
        column_means=cells["mean_over_views"],
        mean=cells["mean"],
    )


def expression_table(summary: Mapping[str, Any]) -> Table:
    """Recall with its interval, precision and F1 of each expression."""
    rows = tuple(
        (
            Cell(row["expression"]),
            Cell(count(row["num_samples"])),
            rate(row["recall"]),
            Cell(interval_text(row["recall_interval"])),
            rate(row["precision"]),
            rate(row["f1"]),
        )
        for row in summary["per_expression"]
    )
    foot = texts(
        "Average",
        "",
        percent(summary["uar"], sign=False),
        interval_text(summary["uar_interval"]),
        "",
        percent(summary["macro_f1"], sign=False),
    )
    return Table(
        "expressions",
        "Recall, precision and F1 by expression, in % (averages: UAR and macro-F1)",
        ("Expression", "Pictures", "Recall", "95 % interval", "Precision", "F1"),
        rows,
        (foot,),
        units=("", "", "%", "%", "%", "%"),
    )


def intensity_table(summary: Mapping[str, Any]) -> Table:
    """Accuracy of each intensity."""
    rows = tuple(
        (Cell(str(row["intensity"])), Cell(count(row["num_samples"])), rate(row["accuracy"]))
        for row in summary["per_intensity"]
    )
    caption = "Accuracy by intensity of the expression (4: strongest), in %"
    columns = ("Intensity", "Pictures", "Accuracy")
    return Table("intensities", caption, columns, rows, units=("", "", "%"))


def fold_table(summary: Mapping[str, Any]) -> Table:
    """Counts and scores of each fold, with their mean and SD."""
    names = ("accuracy", "uar", "macro_f1")
    rows = tuple(
        texts(
            str(row["fold"]),
            count(row["num_samples"]),
            count(row["num_subjects"]),
            *(percent(row[name], sign=False) for name in names),
        )
        for row in summary["per_fold"]
    )
    foot: tuple[tuple[Cell, ...], ...] = ()
    if len(rows) > 1:
        over = summary["over_folds"]
        foot = (
            texts("Mean", "", "", *(percent(over[name]["mean"], sign=False) for name in names)),
            texts("SD", "", "", *(percent(over[name]["sd"], sign=False) for name in names)),
        )
    return Table(
        "folds",
        "Scores by fold, in %",
        ("Fold", "Pictures", "People", "Accuracy", "UAR", "Macro-F1"),
        rows,
        foot,
        units=("", "", "", "%", "%", "%"),
    )


def rule_table(results: Mapping[str, Any]) -> Table | None:
    """Accuracy under either rule of fusion and of each branch, from results.json."""
    rules = results.get("accuracy_by_rule")
    known = rules if isinstance(rules, dict) else {}
    rows = tuple(
        texts(title, percent(known[rule], sign=False))
        for rule, title in _RULES.items()
        if isinstance(known.get(rule), int | float)
    )
    caption = "Accuracy by rule of fusion, in % (of the logits; from results.json)"
    return Table("rules", caption, ("Rule", "Accuracy"), rows, units=("", "%")) if rows else None


def _spread(of_folds: Mapping[str, float]) -> str:
    """Mean ± SD in per cent."""
    return f"{percent(of_folds['mean'], sign=False)} ± {percent(of_folds['sd'], sign=False)}"
