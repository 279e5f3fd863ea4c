"""The README of a split's folder: what it is, how it was made, and how far to trust it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from fertools import __version__
from fertools.pose.compare import NEAR_DEGREES, Comparison
from fertools.pose.rules import exact_number
from fertools.pose.split import EVALUATED, Cut, Split
from fertools.pose.split_files import public_counterpart, summary_table

if TYPE_CHECKING:
    import pandas as pd

    from fertools.pose.list_import import ListedSamples

__all__ = ["readme_text", "text_table"]

_TITLES = {"rafdb": "Pose-RAF-DB", "affectnet": "Pose-AffectNet"}


def readme_text(split: Split, *, command: str, comparison: Comparison | None = None) -> str:
    """The text; equal input gives an equal one.

    Args:
        split: What was decided.
        command: That made it.
        comparison: With a list, if one was asked for.
    """
    info = split.manifest.info
    parts = [_head(split), f"Made by fertools {__version__}:\n\n    {command}"]
    if info.synthetic:
        parts.append(
            "**Synthetic.** The pictures are an open stand-in's: drawn heads, nobody's face. No "
            "number here says anything of the real set."
        )
    if split.cut is not None:
        parts += [_about_cut(split, split.cut), _about_truth(split)]
    if split.listed is not None:
        parts.append(_about_list(split.listed))
    parts += [
        "## Counts\n\n" + _markdown(summary_table(split)),
        _about_published(split),
        "" if comparison is None else _about_comparison(comparison),
        _about_files(split, comparison),
        _about_trust(split),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def text_table(table: pd.DataFrame) -> list[str]:
    """A table as aligned lines, numbers to the right, for a terminal."""
    rows = [[str(name).replace("_", " ") for name in table.columns], *_cells(table)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _head(split: Split) -> str:
    """The title."""
    title = _TITLES[split.manifest.info.dataset]
    if split.cut is not None:
        title += f": {split.cut.rule.words}"
    if split.listed is not None:
        title += f": imported from {split.listed.source.path.name}"
    return f"# {title}" + (" (synthetic)" if split.manifest.info.synthetic else "")


def _about_cut(split: Split, cut: Cut) -> str:
    """Every choice that decides the split."""
    dataset = split.manifest.info.dataset
    counts = split.table["category"].value_counts()
    num_unsure = int(counts.get("no pose", 0) + counts.get("low confidence", 0))
    done = "in the split" if cut.unsure == "include" else "left out"
    facts = [
        ("data set", f"{dataset}, split {EVALUATED[dataset]!r}{_classes(split)}"),
        ("rule", f"{cut.rule.words} to either side, strictly; degrees are rounded to thousandths"),
        ("angle convention", cut.rule.convention),
        ("estimator", f"{cut.poses.estimator}: {cut.poses.version}"),
        ("its options", _options(cut)),
        ("calibration", _calibration(cut)),
        ("looked at", cut.pictures or "the set's pictures"),
        ("least confidence", exact_number(cut.min_confidence)),
        ("large", f"{int(counts.get('large', 0)):,}"),
        ("not large", f"{int(counts.get('not large', 0)):,}"),
        (
            "could not be decided",
            f"{num_unsure:,} ({int(counts.get('no pose', 0)):,} without a pose, "
            f"{int(counts.get('low confidence', 0)):,} of low confidence): {done}",
        ),
        *([("because", _reasons(split))] if num_unsure else []),
        ("in the split", f"**{int(split.table['selected'].sum()):,}**"),
        ("made from", f"manifest {split.manifest.info.digest[:16]}, poses {cut.poses.digest[:16]}"),
    ]
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {text} |" for name, text in facts)


def _reasons(split: Split) -> str:
    """Why pictures could not be decided, the commonest reason first."""
    counts = split.table["reason"].value_counts().sort_index(kind="stable")
    counts = counts.sort_values(ascending=False, kind="stable")
    return "; ".join(f"{int(number):,}: {reason}" for reason, number in counts.items())


def _calibration(cut: Cut) -> str:
    """What the correction was fitted on."""
    fitted = cut.calibration
    if fitted is None:
        return "none"
    mark = " (synthetic)" if fitted.synthetic else ""
    return (
        f"fitted on {fitted.num_samples:,} samples of {fitted.dataset}{mark}, {fitted.digest[:16]}"
    )


def _options(cut: Cut) -> str:
    """The estimator's options; of files the name only, since folders are a machine's affair."""
    options: dict[str, Any] = {
        key: str(value).replace("\\", "/").rpartition("/")[2] if key == "file" else value
        for key, value in cut.poses.options.items()
    }
    return json.dumps(options, sort_keys=True) if options else "none"


def _classes(split: Split) -> str:
    """The class count of AffectNet, which must never be guessed."""
    if split.manifest.info.dataset != "affectnet":
        return ""
    return ", eight classes" if split.num_classes == 8 else ", seven classes (without contempt)"


def _about_truth(split: Split) -> str:
    """Precision and recall, where the true poses are known."""
    if not split.has_truth:
        return ""
    agreement = split.agreement()
    return (
        f"Against the true poses, under the same rule: precision {_share(agreement.precision)}, "
        f"recall {_share(agreement.recall)} ({agreement.num_both:,} of {agreement.num_selected:,} "
        f"in the split are truly large, which {agreement.num_true:,} pictures are). A picture that "
        "could not be decided and is left out counts as missed."
    )


def _about_list(listed: ListedSamples) -> str:
    """What was imported."""
    source = listed.source
    notes = [
        f"{len(source.entries):,} lines of {source.kind}, SHA-256 {source.sha256}",
        *listed.notes,
        *(
            [f"{len(listed.missing):,} missing pictures left out, see missing.txt"]
            * bool(listed.missing)
        ),
    ]
    return (
        "**Imported.** The pictures are those of a list that you hold; no pose was estimated. The "
        "class of every line is the set's.\n\n" + "\n".join(f"- {note}" for note in notes)
    )


def _about_published(split: Split) -> str:
    """The published counts of the same rule."""
    public = public_counterpart(split)
    if public is None:
        return ""
    lines = f"the public list has {public.lines:,} lines"
    if public.unique != public.lines:
        lines += f" ({public.unique:,} different pictures)"
    seven = ""
    if public.dataset == "affectnet" and split.num_classes == 7:
        seven = f" Without contempt the list has {public.lines - public.by_class[7]:,} lines."
    mine = int(split.table["selected"].sum())
    warning = (
        " The stand-in is of another size, so that only the shares can be compared."
        if split.manifest.info.synthetic
        else ""
    )
    return (
        f"Published for >{public.threshold}: the paper says {public.paper:,}, {lines}; this split "
        f"has {mine:,}.{seven}{warning} The public lists were cut with OpenFace, whose angles were "
        "never released: another estimator does not give the same list. Compare yours with "
        "`--compare FILE`, or take it as it is with `--from-list FILE`."
    )


def _about_comparison(comparison: Comparison) -> str:
    """Agreement with a list."""
    source = comparison.listed.source
    return (
        f"## Beside {source.path.name}\n\nSHA-256 {source.sha256}. Jaccard index "
        f"{_share(comparison.jaccard)}. Of the disagreements {comparison.num_near:,} lie within "
        f"{NEAR_DEGREES:g}° of the threshold, {comparison.num_far:,} further away, and "
        f"{comparison.num_unsure:,} are pictures that could not be decided; compare.csv has them "
        "all with their angles.\n\n" + _markdown(comparison.classes)
    )


def _about_files(split: Split, comparison: Comparison | None) -> str:
    """What lies in the folder."""
    is_cut = split.cut is not None
    pose = (
        "`yaw_deg`, `pitch_deg`, `roll_deg` are the ESTIMATED pose in the project's convention, "
        "`pose_source` says by what"
        if is_cut
        else "`times_listed` says how many lines name it"
    )
    if is_cut and split.has_truth:
        pose += "; `true_yaw_deg` and so on are the true one"
    files = [
        ("manifest.parquet", f"the pictures of the split, rows of the set's manifest; {pose}"),
        ("list.txt", "the same in the format of the public lists"),
    ]
    if split.manifest.info.dataset == "rafdb":
        files.append(("label.txt", "their labels in the format of the public lists: label minus 1"))
    files.append(("summary.csv", "the counts above, by class"))
    if split.cut is not None:
        files += [
            (
                "angles.csv",
                "every evaluated picture: angles in degrees, "
                f"{split.cut.rule.convention} convention, `margin` above the threshold, category",
            ),
            ("unsure.csv", "those that could not be decided, with the reason"),
            ("angles.png", "the distribution of the angles"),
        ]
    if comparison is not None:
        files.append(("compare.csv", "the pictures in one of split and list only"))
    return (
        "## Files\n\n| file | what |\n| --- | --- |\n"
        + "\n".join(f"| {name} | {what} |" for name, what in files)
        + "\n\nOnly the evaluated pictures are split. Those for training stay whole, in the "
        "manifest of the set."
    )


def _about_trust(split: Split) -> str:
    """What the split is good for."""
    if split.cut is None:
        return ""
    return (
        "## How far to trust it\n\nAn estimated pose has an error, so near the threshold the "
        "decision is a guess: angles.csv says how near each picture is. The page *Head pose: how "
        "far estimators err* of the documentation (docs/pose-estimators.md) says what each "
        "estimator is good for; `fertools validate-pose` measures it on renders of known pose."
    )


def _markdown(table: pd.DataFrame) -> str:
    """A table as Markdown."""
    names = [str(name).replace("_", " ") for name in table.columns]
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *_cells(table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """The cells as words: counts with separators, shares and degrees with three digits."""
    columns = [
        [_share(value) for value in table[name]]
        if table[name].dtype.kind == "f"
        else [
            f"{value:,}" if isinstance(value, int) else str(value) for value in table[name].tolist()
        ]
        for name in table.columns
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _share(value: float) -> str:
    """Three digits, a dash where there is nothing to divide."""
    return "–" if math.isnan(value) else f"{value:.3f}"
