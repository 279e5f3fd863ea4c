"""What a user may choose of a split, and how that is said: a folder's name, a command line."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from fertools.errors import ConfigError
from fertools.jobs import text_digest
from fertools.pose.list_import import Duplicates
from fertools.pose.registry import get_estimator
from fertools.pose.rules import PoseRule, exact_number
from fertools.pose.split import Cut, Split, Unsure, check_confidence
from fertools.pose.split_source import Images

__all__ = ["DEFAULT_ESTIMATORS", "SplitOptions", "command_line", "folder_name"]

_LONGEST = 40  # letters of a name that others chose, in a folder's
_DIGITS = 8

DEFAULT_ESTIMATORS = {"rafdb": "landmarks5", "affectnet": "landmarks68"}
"""Data set to the estimator that uses what its authors annotated."""


@dataclass(frozen=True)
class SplitOptions:
    """What the user may choose.

    Attributes:
        rule: What is large.
        estimator: Registered name; that of :data:`DEFAULT_ESTIMATORS` if left out.
        estimator_options: Of its own model; its defaults if left out.
        poses: A pose table to take instead of estimating.
        calibration: A correction of the estimator's angles, by ``validate-pose``.
        images: Which of RAF-DB's pictures the pose is estimated on.
        classes: 7 leaves out AffectNet's contempt.
        min_confidence: A pose of less is not believed.
        unsure: What becomes of pictures that cannot be decided.
        manifest: The set's, by path or name; else found in the data home.
        from_list: A public list to import instead of a cut by pose.
        duplicates: What becomes of pictures that it names again.
        hash_order: See :func:`fertools.pose.list_import.find_listed`.
        labels: A label file that belongs to the list.
        compare: A list that the cut is compared with.
        out: Folder to write; else one in ``derived`` whose name says what it is.
        workers: Processes.
        on_error: ``stop`` at what cannot be used, or ``skip``: leave it out and list it.
    """

    rule: PoseRule = field(default_factory=PoseRule)
    estimator: str | None = None
    estimator_options: BaseModel | None = None
    poses: Path | None = None
    calibration: Path | None = None
    images: Images = "auto"
    classes: Literal[7, 8] = 8
    min_confidence: float = 0.5
    unsure: Unsure = "leave-out"
    manifest: Path | None = None
    from_list: Path | None = None
    duplicates: Duplicates = "drop"
    hash_order: Path | None = None
    labels: Path | None = None
    compare: Path | None = None
    out: Path | None = None
    workers: int = 1
    on_error: Literal["stop", "skip"] = "stop"

    def __post_init__(self) -> None:
        has_list = self.from_list is not None or self.compare is not None
        for is_wrong, fault in (
            (self.from_list and self.compare, "--compare is of a cut by pose, not of --from-list"),
            (self.from_list and self.poses, "--poses are not used by --from-list"),
            (self.from_list and self.calibration, "--calibration is not used by --from-list"),
            (self.from_list and self.estimator, "--estimator is not used by --from-list"),
            (self.poses and self.estimator, "--poses has poses already; leave out --estimator"),
            (self.hash_order and not has_list, "--hash-order belongs to --from-list or --compare"),
            (self.labels and not has_list, "--labels belongs to --from-list or --compare"),
            (
                self.duplicates != "drop" and not has_list,
                "--duplicates belongs to --from-list or --compare",
            ),
        ):
            if is_wrong:
                raise ConfigError(fault)
        check_confidence(self.min_confidence)

    @property
    def files(self) -> list[Path]:
        """What is read, but for the set."""
        names = ("poses", "calibration", "from_list", "hash_order", "labels", "compare")
        given = [getattr(self, name) for name in names]
        given.append(getattr(self.estimator_options, "file", None))
        return [path for path in given if path is not None]


def folder_name(split: Split, options: SplitOptions) -> str:
    """A name in ``derived`` that says which split it is: ``pose-rafdb-30``, and what is unusual.

    Args:
        split: What was decided.
        options: How.
    """
    info = split.manifest.info
    home = split.manifest.path.parent.resolve().name
    parts = ["pose", info.dataset]
    if split.cut is not None:
        cut = split.cut
        parts += [
            cut.rule.slug,
            *_estimator_words(cut),
            *_calibration_words(cut),
            *([] if options.images == "auto" or info.dataset != "rafdb" else [options.images]),
            *([] if cut.min_confidence == Cut.min_confidence else [_confidence(cut)]),
            *([] if cut.unsure == Cut.unsure else ["with-unsure"]),
        ]
    if split.listed is not None:
        source = split.listed.source
        parts += ["list", source.path.stem[:_LONGEST], source.sha256[:_DIGITS]]
        parts += ["repeated"] if options.duplicates == "keep" else []
    if split.num_classes == 7 and info.dataset == "affectnet":
        parts.append("7classes")
    if home != info.dataset:
        parts.append(f"of-{home[:_LONGEST]}")
    return re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(parts))


def _estimator_words(cut: Cut) -> list[str]:
    """The estimator and its file, with a digest that tells two files of one name apart."""
    poses = cut.poses
    if poses.estimator == DEFAULT_ESTIMATORS[poses.dataset]:
        return []
    usual = get_estimator(poses.estimator).options.model_construct().model_dump(mode="json")
    chosen = {key: value for key, value in poses.options.items() if value != usual.get(key)}
    if not chosen:
        return [poses.estimator]
    stem = Path(str(chosen.pop("file", ""))).stem[:_LONGEST]
    tag = _tag({**chosen, "version": poses.version})  # a digest of what is in the file is in it
    return [poses.estimator, *([stem] if stem else []), tag]


def _calibration_words(cut: Cut) -> list[str]:
    """That there is a correction, and which."""
    if cut.calibration is None:
        return []
    return ["calibrated", _tag(cut.calibration.model_dump(mode="json"))]


def _confidence(cut: Cut) -> str:
    """A least confidence that is not the default."""
    return f"conf{exact_number(cut.min_confidence)}"


def _tag(facts: dict[str, Any]) -> str:
    """A few digits that are others for other facts."""
    return text_digest(json.dumps(facts, sort_keys=True))[:_DIGITS]


def command_line(dataset: str, options: SplitOptions) -> str:
    """The command line that makes the same again."""
    rule, usual = options.rule, SplitOptions()
    words = ["fertools", "make-pose-split", "--dataset", dataset]
    if options.from_list is None:
        if rule.rule != "pitch":
            words += ["--min-yaw", exact_number(rule.min_yaw)]
        if rule.min_pitch is not None or rule.rule == "pitch":
            words += ["--min-pitch", exact_number(rule.limits[1])]
        for name, value, other in (
            ("rule", rule.rule, usual.rule.rule),
            ("angle-convention", rule.convention, usual.rule.convention),
            ("min-confidence", *map(exact_number, (options.min_confidence, usual.min_confidence))),
        ):
            words += [] if value == other else [f"--{name}", value]
    for name in (
        "manifest",
        "estimator",
        "poses",
        "calibration",
        "images",
        "classes",
        "unsure",
        "from_list",
        "duplicates",
        "hash_order",
        "labels",
        "compare",
        "out",
        "on_error",
    ):
        value = getattr(options, name)
        if value != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if options.estimator_options is not None:
        chosen = options.estimator_options.model_dump(mode="json", exclude_defaults=True)
        for key, value in chosen.items():
            is_option = key in ("file", "sha256")
            words += [f"--{key}", str(value)] if is_option else ["--set", f"{key}={value}"]
    return shlex.join(words)
