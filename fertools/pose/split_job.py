"""From a set's name to a split's folder: manifests, poses, the cut or a list, files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fertools.errors import ConfigError
from fertools.formats.ran_lists import read_ran_list
from fertools.home import derived_dir, find_derived
from fertools.manifest import Manifest, read_manifest
from fertools.pose.calibration import read_calibration
from fertools.pose.compare import Comparison, compare_with_list
from fertools.pose.list_import import ListedSamples, find_listed
from fertools.pose.split import EVALUATED, Split, evaluated_rows, split_by_list, split_by_pose
from fertools.pose.split_files import check_out, write_split
from fertools.pose.split_options import SplitOptions, command_line, folder_name
from fertools.pose.split_poses import find_poses, true_angles
from fertools.pose.split_readme import readme_text
from fertools.pose.split_source import Indexing, find_rows, sets_at_hand

__all__ = ["SplitSummary", "choose_sets", "make_pose_split"]


@dataclass(frozen=True)
class SplitSummary:
    """What was made.

    Attributes:
        split: What was decided.
        manifest: The split's, in its folder.
        comparison: With a list, if one was asked for.
        skipped: What was left out because it could not be used, a line each.
    """

    split: Split
    manifest: Manifest
    comparison: Comparison | None
    skipped: tuple[str, ...]


def choose_sets(
    dataset: str | None, options: SplitOptions, *, say: Callable[[str], None]
) -> list[str | None]:
    """The sets to split: the named one, that of a list or manifest, else all that are there.

    Args:
        dataset: What the user named, if anything.
        options: What he chose.
        say: Is told which set is not there.

    Returns:
        Names for :func:`make_pose_split`; None for that of ``options.manifest``.

    Raises:
        DatasetError: If none is there, or a list cannot be read.
        ConfigError: If several are there, and an option is of one set only.
    """
    if dataset is not None:
        return [dataset]
    if options.manifest is not None:
        return [None]
    path = options.from_list or options.compare
    if path is not None:
        return [read_ran_list(path).dataset]
    found = sets_at_hand()
    for name in sorted(set(EVALUATED) - set(found)):
        say(f"{name}: is not there; 'fertools synth {name}' makes an open stand-in")
    for option, value in (("--out", options.out), ("--poses", options.poses)):
        if value is not None and len(found) > 1:
            raise ConfigError(
                f"{option} is of one set, and {' and '.join(found)} are there; say "
                "which with --dataset"
            )
    return [*found]


def make_pose_split(
    dataset: str | None, options: SplitOptions, *, say: Callable[[str], None] = lambda line: None
) -> SplitSummary:
    """Cut one set by pose, or import a list of it, and write the split's folder.

    What is not there is made first: the set is indexed, its poses are estimated. A second threshold
    finds both.

    Args:
        dataset: ``rafdb`` or ``affectnet``; None for that of ``options.manifest``.
        options: What the user chose.
        say: Is told what goes on, a line at a time.

    Raises:
        FertoolsError: As the steps say; nothing of the split is written then.
    """
    if options.out is not None:
        check_out(options.out, inputs=options.files)  # before hours of estimating
    indexing = Indexing(say, options.workers, options.on_error)
    manifest = _find_manifest(dataset, options, indexing)
    dataset = manifest.info.dataset
    num_classes = options.classes if dataset == "affectnet" else 7
    rows = replace(manifest, frame=evaluated_rows(manifest, num_classes=num_classes))
    listed = _read_list(manifest, options)
    comparison: Comparison | None = None
    unread: dict[str, str] = {}
    if options.from_list is not None and listed is not None:
        split = split_by_list(rows, listed, num_classes=num_classes)
    else:
        seen = find_poses(manifest, rows, options, indexing)
        unread = seen.skipped
        split = split_by_pose(
            rows,
            seen.poses,
            options.rule,
            pictures=seen.pictures,
            min_confidence=options.min_confidence,
            unsure=options.unsure,
            calibration=None
            if options.calibration is None
            else read_calibration(options.calibration),
            true_angles=true_angles(rows.frame, seen.frame),
            num_classes=num_classes,
        )
        comparison = None if listed is None else compare_with_list(split, listed)
    out = options.out or derived_dir(folder_name(split, options))
    check_out(out, inputs=[*options.files, manifest.path])
    readme = readme_text(split, command=command_line(dataset, options), comparison=comparison)
    written = write_split(split, out, readme=readme, comparison=comparison)
    skipped = (
        *map(str, indexing.faults),
        *(f"{name}: {reason}" for name, reason in unread.items()),
        *(f"{name}: is listed but not in the set" for name in (listed.missing if listed else ())),
    )
    return SplitSummary(split, written, comparison, skipped)


def _find_manifest(dataset: str | None, options: SplitOptions, indexing: Indexing) -> Manifest:
    """The set's manifest: the one that is named, else the set's own."""
    if options.manifest is None:
        if dataset is None:
            raise ValueError("a set's name or manifest is needed")
        return find_rows(dataset, indexing)
    manifest = read_manifest(find_derived(options.manifest))
    if dataset not in (None, manifest.info.dataset):
        raise ConfigError(
            f"--manifest {options.manifest}: is of {manifest.info.dataset}, not of {dataset}"
        )
    return manifest


def _read_list(manifest: Manifest, options: SplitOptions) -> ListedSamples | None:
    """The list to import or to compare with, as samples of the set; None where there is none."""
    path = options.from_list or options.compare
    if path is None:
        return None
    return find_listed(
        path,
        evaluated_rows(manifest),
        manifest.info.dataset,
        num_classes=options.classes,
        duplicates=options.duplicates,
        hash_order=options.hash_order,
        labels=options.labels,
        on_error=options.on_error,
    )
