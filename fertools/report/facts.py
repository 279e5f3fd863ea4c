"""What was run, as pairs for a table, and the commands that make it again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.protocols import list_protocols
from fertools.report.collect import LOCK, Run
from fertools.report.leaks import num_left_out
from fertools.report.tables import Cell, Table
from fertools.report.wording import count, hide_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.report.reading import Reading

__all__ = [
    "commands_of",
    "facts_of",
    "facts_table",
    "manifest_path",
    "recorded_of",
    "run_argument",
    "shown_path",
]

_NOT_RECORDED = "Not recorded"

_MAX_DEPTH = 20
"""Settings that are nested deeper are no settings of ours."""


def facts_of(reading: Reading) -> list[tuple[str, str]]:
    """What was run, as pairs; what nobody recorded is said to be so."""
    run, summary, lock = reading.run, reading.summary, reading.run.lock
    pairs: list[tuple[str, Any]] = [
        ("Protocol", summary["protocol"]),
        ("Protocol version", lock.protocol_version if lock else run.fact("protocol_version")),
        ("Protocol digest (SHA-256)", lock.protocol_digest if lock else None),
        ("Lock digest (SHA-256)", summary["lock_digest"]),
        ("As locked", _as_locked(reading)),
        ("Left out of training", _left_out(run)),
        ("Data set", lock.dataset if lock else run.fact("dataset")),
        (
            "Pictures",
            "synthetic stand-ins" if reading.marks.synthetic else "not marked as stand-ins",
        ),
        ("Bytes of the pictures", _bytes(run)),
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
    known = [
        (name, hide_folders(str(value)))
        for name, value in pairs
        if value is not None and value != ""
    ]
    unknown = [name for name, value in pairs if value is None or value == ""]
    return [*known, (_NOT_RECORDED, ", ".join(unknown))] if unknown else known


def facts_table(readings: Mapping[str, Reading]) -> Table:
    """The facts of several runs side by side; what differs is marked."""
    by_run = [dict(facts_of(reading)) for reading in readings.values()]
    names = list(dict.fromkeys(name for facts in by_run for name in facts))
    rows = []
    for name in [one for one in names if one != _NOT_RECORDED]:
        values = [facts.get(name, "not recorded") for facts in by_run]
        differs = len(set(values)) > 1
        rows.append((Cell(name, "differs" if differs else ""), *map(Cell, values)))
    return Table("facts", "What was run", ("Fact", *readings), tuple(rows))


def recorded_of(run: Run) -> dict[str, list[tuple[str, str]]]:
    """All settings and versions that the run folder holds, by the file's name."""
    files = {
        "Settings (config.yaml)": run.config,
        "Environment (environment.json)": run.environment,
    }
    return {name: _flat(values) for name, values in files.items() if values}


def manifest_path(run: Run) -> Path | None:
    """The manifest that the run names, seen from the run folder or from here."""
    value = run.fact("manifest")
    if not isinstance(value, str):
        return None
    path = run.folder / value
    return path if path.exists() else Path(value)


def commands_of(reading: Reading) -> list[str]:
    """The lines that make the result again."""
    run, summary = reading.run, reading.summary
    commands = []
    if run.config and summary["model"] and summary["protocol"]:
        names = [summary["model"], "--protocol", _protocol_argument(run, summary["protocol"])]
        names += _data_arguments(run)
        allowed = ["--allow-mismatch"] if reading.marks.mismatch else []
        train = ["zoo", "train", *names, *_lock_arguments(run), *allowed]
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
        fusion = ["--fusion", "logits"] if summary["fusion"].startswith("logits") else []
        commands.append(
            shlex.join(["zoo", "evaluate", *names, *fusion, *allowed, "--run", "again"])
        )
    commands.append(shlex.join(["fertools", "report", run_argument(run)]))
    return commands


def run_argument(run: Run) -> str:
    """How the run is given to ``fertools report``: its folder, or its file of another name."""
    path = run.predictions[0].path
    is_file = path.parent == run.folder and path.stem == run.label
    return shown_path(path if is_file else run.folder)


def shown_path(path: Path) -> str:
    """A path as seen from here, without naming this machine's folders."""
    relative = os.path.relpath(path)
    return path.resolve().name if relative.startswith("..") else relative


def _protocol_argument(run: Run, name: str) -> str:
    """A protocol of fertools goes by its name, another by the copy that a run keeps."""
    return name if name in list_protocols() else shown_path(run.folder / f"{name}.yaml")


def _data_arguments(run: Run) -> list[str]:
    """The manifest of those who are tested, for each role that it serves."""
    data = manifest_path(run)
    if data is None:
        return []
    path, sources = shown_path(data), run.lock.sources if run.lock else ()
    if len(sources) < 2 and not any("members" in one.recipe for one in sources):
        return ["--data", path]
    tested = next((one for one in sources if one.role == "test"), sources[0])
    made = (tested.dataset, tested.recipe)
    roles = [one.role for one in sources if (one.dataset, one.recipe) == made]
    return [word for role in roles for word in ("--data", f"{role}={path}")]


def _lock_arguments(run: Run) -> list[str]:
    """The run's own lock: that beside the manifest may be another, and leaves nobody out."""
    if run.lock is None:
        return []
    left_out = ["--exclude-leaks"] if run.lock.excluded else []
    return ["--lock", shown_path(run.folder / LOCK), *left_out]


def _left_out(run: Run) -> str | None:
    """How many training samples the folds lack since they leak."""
    number = num_left_out(run)
    if number is None:
        return None
    words = "sample that leaks" if number == 1 else "samples that leak"
    return f"{count(number)} {words} (--exclude-leaks)" if number else "nothing"


def _bytes(run: Run) -> str | None:
    """Whether the tested pictures are those trained on, to the byte."""
    differ = run.fact("pictures_differ")
    if not isinstance(differ, bool):
        return None
    if differ:
        return "other bytes than those trained on, from the same source files"
    return "as at training"


def _as_locked(reading: Reading) -> str:
    """Whether the tested samples are those of the lock."""
    if reading.marks.mismatch:
        return "no: " + "; ".join(reading.marks.mismatch)
    return "not checked: no lock" if reading.run.lock is None else "yes"


def _start(run: Run) -> str | None:
    """From scratch or from which weights."""
    value = run.fact("pretraining", "pretrained", "recipe.pretrained")
    if value is False or value in ("none", "no"):
        return "from scratch (random weights)"
    if value is True:
        return "pretrained weights"
    return None if value is None else str(value)


def _flat(values: Any, prefix: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """Nested settings as dotted names, without the machine's folders."""
    if depth > _MAX_DEPTH:
        return [(prefix, "…")]
    if isinstance(values, dict):
        pairs: list[tuple[str, str]] = []
        for key in values:
            pairs += _flat(values[key], f"{prefix}.{key}" if prefix else str(key), depth + 1)
        return pairs
    sequence: Sequence[Any] = values if isinstance(values, list) else [values]
    return [(prefix, hide_folders(", ".join(map(str, sequence))))]
