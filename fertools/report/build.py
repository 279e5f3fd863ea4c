"""Write the report of a run: one HTML file that needs nothing else, and its figures as files."""

from __future__ import annotations

import math
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from fertools import __version__
from fertools.jobs import write_text
from fertools.metrics import summarise
from fertools.report import tables
from fertools.report.collect import Run, collect_run
from fertools.report.examples import find_examples
from fertools.report.figures import (
    Drawing,
    confusion_drawing,
    save_drawing,
    view_drawing,
)

if TYPE_CHECKING:
    from fertools.report.tables import Table

__all__ = ["write_report"]


def write_report(run_dir: Path, *, out: Path | None = None, with_faces: bool = False) -> Path:
    """Write ``report.html`` of a run and its figures as PNG and SVG files.

    All numbers are computed from the predictions; ``results.json`` is only compared with them.
    Equal runs give equal bytes.

    Args:
        run_dir: A run folder, a folder that holds ``predictions.parquet`` or
            ``fold*/predictions.parquet``, or such a file.
        out: The page; ``report.html`` in the run folder if not given. The figures go to
            ``figures`` in the run folder, or to a folder beside ``out`` named after it.
        with_faces: Show pictures of people too; those of stand-ins are always shown.

    Returns:
        The path of the page.

    Raises:
        PredictionsError: If there are no predictions, or they are damaged or do not fit the lock.
        OutputError: If a file cannot be written.
    """
    run = collect_run(Path(run_dir))
    summary = summarise(run.predictions)
    if out is None:
        out, figures_dir = run.folder / "report.html", run.folder / "figures"
    else:
        out = Path(out)
        figures_dir = out.parent / f"{out.stem}-figures"
    drawings = _drawings(summary)
    for drawing in drawings.values():
        save_drawing(drawing, figures_dir)
    manifest = _manifest_path(run)
    examples = find_examples(run.predictions, manifest_path=manifest, with_faces=with_faces)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fertools.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=tables.percent, count=tables.count)
    page = environment.get_template("template.html.j2").render(
        summary=summary,
        title=_title(summary, run),
        notices=_notices(run, summary),
        interval=summary["accuracy_interval"],
        interval_text=tables.interval_text(summary["accuracy_interval"]),
        tables=_tables(summary),
        drawings=drawings,
        inline={key: Markup(drawing.inline) for key, drawing in drawings.items()},
        examples=examples,
        facts=_facts(run, summary),
        recorded={
            "Settings (config.yaml)": _flat(run.config),
            "Environment (environment.json)": _flat(run.environment),
        },
        commands=_commands(run, summary),
        figures_name=figures_dir.name,
        version=__version__,
    )
    write_text(out, page)
    return out


def _title(summary: dict[str, Any], run: Run) -> str:
    """Model on protocol, or the folder's name where the predictions do not say."""
    model, protocol = summary["model"], summary["protocol"]
    if model and protocol:
        return f"{model} on {protocol}"
    return str(model or protocol or run.folder.resolve().name)


def _notices(run: Run, summary: dict[str, Any]) -> list[str]:
    """What a reader must know before he reads a number."""
    notices = []
    if run.missing_folds:
        total = len(run.missing_folds) + summary["num_folds"]
        missing = ", ".join(map(str, run.missing_folds))
        notices.append(
            f"Partial result: {summary['num_folds']} of the protocol's {total} folds; "
            f"not tested yet: fold {missing}."
        )
    if run.lock is None:
        notices.append(
            "No locked protocol is beside the predictions: whether they are complete, and whether "
            "the tested people are absent from training, was not checked here."
        )
    for notice in sorted({note for table in run.predictions for note in table.notes}):
        notices.append(f"Table written by hand: {notice}.")
    stated = run.results.get("accuracy")
    if isinstance(stated, int | float) and not math.isclose(
        stated, summary["accuracy"], abs_tol=1e-9
    ):
        notices.append(
            f"results.json states an accuracy of {tables.percent(stated)}, the predictions give "
            f"{tables.percent(summary['accuracy'])}; this page shows the predictions."
        )
    return notices


def _drawings(summary: dict[str, Any]) -> dict[str, Drawing]:
    """Every figure by its key, in the order of the page."""
    drawings = []
    if summary["per_view"]:
        drawings.append(view_drawing(summary))
    names = tables.view_names(summary)
    matrices = [("confusion", "All pictures", summary["confusion"])]
    for number, confusion in enumerate(summary["confusion_per_view"]):
        title = f"View {names[confusion['view_id']]}"
        matrices.append((f"confusion-view-{number:02d}", title, confusion))
    for key, title, confusion in matrices:
        drawings.append(
            confusion_drawing(
                confusion,
                summary["classes"],
                key=key,
                title=title,
                synthetic=summary["synthetic"],
            )
        )
    return {drawing.key: drawing for drawing in drawings}


def _tables(summary: dict[str, Any]) -> dict[str, Table]:
    """Every table by its key; those without rows are left out."""
    made = [
        tables.view_table(summary),
        tables.expression_table(summary),
        tables.intensity_table(summary),
        tables.confusion_table(summary),
        tables.fold_table(summary),
    ]
    if summary["per_view"]:
        made.append(tables.view_expression_table(summary))
    return {table.key: table for table in made if table.rows}


def _facts(run: Run, summary: dict[str, Any]) -> list[tuple[str, str]]:
    """What was run, as pairs; what nobody recorded is said to be so."""
    lock = run.lock
    version = lock.protocol_version if lock else run.fact("protocol_version")
    dataset = lock.dataset if lock else run.fact("dataset")
    pairs: list[tuple[str, Any]] = [
        ("Protocol", summary["protocol"]),
        ("Protocol version", version),
        ("Protocol digest (SHA-256)", lock.protocol_digest if lock else None),
        ("Lock digest (SHA-256)", summary["lock_digest"]),
        ("Data set", dataset),
        ("Pictures", "synthetic stand-ins" if summary["synthetic"] else "not marked as stand-ins"),
        ("Model", summary["model"]),
        ("Fusion of branches", summary["fusion"] or run.fact("fusion")),
        ("Start of training", _start(run)),
        ("Checkpoint that is tested", run.fact("selection", "selection_rule", "recipe.selection")),
        ("Recipe", run.fact("recipe.name", "recipe")),
        ("Epochs", run.fact("epochs", "recipe.epochs")),
        ("Picture side (pixels)", run.fact("input_size", "image_size", "recipe.data.input_size")),
        ("Seed", run.fact("seed", "recipe.seed")),
        ("fertools that trained it", run.fact("fertools_version", "fertools", "packages.fertools")),
        ("Python", run.fact("python", "packages.python")),
        ("PyTorch", run.fact("torch", "packages.torch", "versions.torch")),
        ("Device", run.fact("device", "accelerator")),
    ]
    pairs = [(name, None if isinstance(value, dict) else value) for name, value in pairs]
    known = [(name, str(value)) for name, value in pairs if value is not None and value != ""]
    unknown = [name for name, value in pairs if value is None or value == ""]
    return [*known, ("Not recorded", ", ".join(unknown))] if unknown else known


def _start(run: Run) -> str | None:
    """From scratch or from which weights."""
    value = run.fact("pretraining", "pretrained", "recipe.pretrained")
    if value is False or value in ("none", "no"):
        return "from scratch (random weights)"
    if value is True:
        return "pretrained weights"
    return None if value is None else str(value)


def _flat(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names; the user's home folder is not shown."""
    if isinstance(values, dict):
        pairs = []
        for key in values:
            pairs += _flat(values[key], f"{prefix}.{key}" if prefix else str(key))
        return pairs
    text = ", ".join(map(str, values)) if isinstance(values, list) else str(values)
    home = str(Path.home())
    return [(prefix, text.replace(home, "~") if len(home) > 1 else text)]


def _manifest_path(run: Run) -> Path | None:
    """The manifest that the run names, seen from the run folder or from here."""
    value = run.fact("manifest")
    if not isinstance(value, str):
        return None
    path = run.folder / value
    return path if path.exists() else Path(value)


def _commands(run: Run, summary: dict[str, Any]) -> list[str]:
    """The lines that make the result again."""
    folder = _shown_path(run.folder)
    commands = []
    if summary["model"] and summary["protocol"]:
        names = [summary["model"], "--protocol", summary["protocol"]]
        data = _manifest_path(run)
        data_part = [] if data is None else ["--data", _shown_path(data)]
        train = ["zoo", "train", *names, *data_part]
        recipe, seed = run.fact("recipe"), run.fact("seed")
        recipe = recipe.get("name") if isinstance(recipe, dict) else recipe
        for option, value in (("--recipe", recipe), ("--seed", seed)):
            if isinstance(value, str | int):
                train += [option, str(value)]
        changes = run.fact("recipe_changes")
        for setting in changes if isinstance(changes, list) else []:
            train += ["--set", str(setting)]
        if len(summary["per_fold"]) == 1 and summary["per_fold"][0]["fold"] is not None:
            train += ["--fold", str(summary["per_fold"][0]["fold"])]
        commands.append(shlex.join([*train, "--run", "again"]))
        commands.append(shlex.join(["zoo", "evaluate", *names, *data_part, "--run", "again"]))
    commands.append(shlex.join(["fertools", "report", folder]))
    return commands


def _shown_path(path: Path) -> str:
    """A path as seen from here, without naming this machine's folders."""
    relative = os.path.relpath(path)
    return path.resolve().name if relative.startswith("..") else relative
