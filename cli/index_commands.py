"""``fertools index``: a data set's folder to its manifest, one command a set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.runner import EXIT_SKIPPED, new_app

if TYPE_CHECKING:
    from fertools.manifest import Manifest

app = new_app(
    "Write the manifest of a data set: one row a sample, checked.\n\n"
    "Give the folder as it was unpacked, or none for raw/NAME (else standin/NAME) in the data "
    "home. The layout is recognised and said. Everything that cannot be used is listed with its "
    "place: the command ends there, or, with --on-error skip, leaves it out and ends with status 3."
)

_THE_SET = "What of the set"
_Root = Annotated[
    Path | None,
    typer.Argument(
        metavar="[ROOT]",
        help="The unpacked set; else raw/NAME, else standin/NAME, in the data home.",
    ),
]
_Out = Annotated[
    Path | None, typer.Option(help="Folder to write; else derived/NAME in the data home.")
]
_Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that read files; else one a processor.")
]
_OnError = Annotated[
    Literal["stop", "skip"],
    typer.Option(help="What cannot be used: an error, or left out and listed."),
]
_Strict = Annotated[
    bool, typer.Option("--strict", help="An error where a count is not the published one.")
]
_Fresh = Annotated[
    bool, typer.Option("--fresh", help="Read all files anew, not only those that changed.")
]
_Exclude = Annotated[
    Path | None,
    typer.Option(help="Leave these out: a file with a sample_id or subject_id a line."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback()
def index() -> None:
    """Write the manifest of a data set: one row a sample, checked."""


@app.command("multipie")
def index_multipie(
    root: _Root = None,
    select: Annotated[
        Literal["paper", "all"],
        typer.Option(
            help="paper: one picture a subject, expression and view, 4,200 in all. all: every one.",
            rich_help_panel=_THE_SET,
        ),
    ] = "paper",
    side: Annotated[
        Literal["pos", "neg"],
        typer.Option(
            help="Side of the yaws 0 to 90. pos: the nose to the image's right (cameras 05_1 05_0 "
            "04_1 19_0 20_0 01_0 24_0). The literature does not say.",
            rich_help_panel=_THE_SET,
        ),
    ] = "pos",
    illumination: Annotated[
        int,
        typer.Option(
            min=0,
            max=19,
            help="07 is the flash before camera 05_1; 00 and 19 are without.",
            rich_help_panel=_THE_SET,
        ),
    ] = 7,
    neutral: Annotated[
        Literal["s1r1", "s2r1", "s3r1", "s4r1", "s4r2"],
        typer.Option(
            help="Session and recording of the neutral pictures.", rich_help_panel=_THE_SET
        ),
    ] = "s1r1",
    smile: Annotated[
        Literal["s1r2", "s3r2"],
        typer.Option(help="Session and recording of the smiles.", rich_help_panel=_THE_SET),
    ] = "s1r2",
    subjects: Annotated[
        int,
        typer.Option(
            min=1,
            help="How many, the first in order of those with all 42 pictures.",
            rich_help_panel=_THE_SET,
        ),
    ] = 100,
    subject_list: Annotated[
        Path | None,
        typer.Option(
            help="Take exactly these: a file with a number a line, as chosen.txt is.",
            rich_help_panel=_THE_SET,
        ),
    ] = None,
    out: _Out = None,
    workers: _Workers = None,
    on_error: _OnError = "stop",
    strict: _Strict = False,
    fresh: _Fresh = False,
    exclude_list: _Exclude = None,
    as_json: _Json = False,
) -> None:
    """Multi-PIE, with or without its folder data/, or repacked: the file names decide.

    The subjects that were chosen are written to chosen.txt, so that another lab can take the same.

    Example: fertools index multipie --side neg --illumination 0
    """
    from fertools.formats.multipie import MultipieOptions, read_subjects

    options = MultipieOptions(
        select=select,
        side=side,
        illumination=illumination,
        neutral=neutral,
        smile=smile,
        subjects=subjects,
        subject_list=None if subject_list is None else read_subjects(subject_list),
    )
    work = _Work(out, workers, on_error, strict, fresh, exclude_list)
    _end(_index("multipie", root, options, work, as_json))


@app.command("rafdb")
def index_rafdb(
    root: _Root = None,
    images: Annotated[
        Literal["auto", "aligned", "original"],
        typer.Option(
            help="auto: the aligned ones if they are there. original: with box and five points.",
            rich_help_panel=_THE_SET,
        ),
    ] = "auto",
    class_map: Annotated[
        str | None,
        typer.Option(
            metavar="0=surprise,1=fear,…",
            help="What bare class folders mean; needed for those only.",
            rich_help_panel=_THE_SET,
        ),
    ] = None,
    out: _Out = None,
    workers: _Workers = None,
    on_error: _OnError = "stop",
    strict: _Strict = False,
    fresh: _Fresh = False,
    exclude_list: _Exclude = None,
    as_json: _Json = False,
) -> None:
    """RAF-DB's basic set: the authors' folders, the Kaggle copy, or bare class folders.

    Example: fertools index rafdb --images original --out data/derived/rafdb-original
    """
    from fertools.config import build_config
    from fertools.formats.rafdb import RafdbOptions, parse_class_map

    values = {"images": images, "class_map": parse_class_map(class_map)}
    options = build_config(RafdbOptions, values, source="--class-map")
    work = _Work(out, workers, on_error, strict, fresh, exclude_list)
    _end(_index("rafdb", root, options, work, as_json))


@app.command("affectnet")
def index_affectnet(
    root: _Root = None,
    release: Annotated[
        Literal["auto", "2017", "new"],
        typer.Option(
            help="2017: CSV lists. new: train_set and val_set. auto: the one that is there.",
            rich_help_panel=_THE_SET,
        ),
    ] = "auto",
    out: _Out = None,
    workers: _Workers = None,
    on_error: _OnError = "stop",
    strict: _Strict = False,
    fresh: _Fresh = False,
    exclude_list: _Exclude = None,
    as_json: _Json = False,
) -> None:
    """AffectNet's manually annotated part, of the release of 2017 or the newer one.

    Rows that are no expression (none, uncertain, non-face) are counted and left out.

    Example: fertools index affectnet /data/AffectNet --on-error skip
    """
    from fertools.formats.affectnet import AffectnetOptions

    options = AffectnetOptions(release=release)
    work = _Work(out, workers, on_error, strict, fresh, exclude_list)
    _end(_index("affectnet", root, options, work, as_json))


@app.command("bu3dfe-rendered")
def index_bu3dfe_rendered(
    root: Annotated[
        Path | None,
        typer.Argument(metavar="[ROOT]", help="A folder of pictures; else derived/bu3dfe-p1."),
    ] = None,
    view_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="How another program's file names end, with groups yaw, or pan and tilt.",
            rich_help_panel=_THE_SET,
        ),
    ] = None,
    yaw_sign: Annotated[
        int,
        typer.Option(
            min=-1,
            max=1,
            help="1: positive angles point the nose to the image's right. -1: to its left.",
            rich_help_panel=_THE_SET,
        ),
    ] = 1,
    out: _Out = None,
    workers: _Workers = None,
    on_error: _OnError = "stop",
    strict: _Strict = False,
    fresh: _Fresh = False,
    exclude_list: _Exclude = None,
    as_json: _Json = False,
) -> None:
    r"""Pictures rendered from BU-3DFE, by this tool or by another.

    A folder that 'fertools render-bu3dfe' filled has records: every picture is compared with its
    own. In another the files' names say scan and view.

    Example: `fertools index bu3dfe-rendered r --view-pattern '(?P<pan>-?\d+)_(?P<tilt>-?\d+)'`
    """
    from fertools.config import build_config
    from fertools.formats.bu3dfe_rendered import RenderedOptions
    from fertools.home import derived_dir
    from fertools.render.merge import merge_rendered
    from fertools.render.records import has_records

    if yaw_sign == 0:
        raise typer.BadParameter("expected 1 or -1", param_hint="--yaw-sign")
    folder = root or derived_dir("bu3dfe-p1")
    if root is None or has_records(folder):
        _print(merge_rendered(folder).manifest, "our own records", as_json)
        return
    values = {"view_pattern": view_pattern, "yaw_sign": yaw_sign}
    options = build_config(RenderedOptions, values, source="--view-pattern")
    name = "bu3dfe-rendered"
    work = _Work(out, workers, on_error, strict, fresh, exclude_list)
    _end(_index(name, folder, options, work, as_json))


@dataclass(frozen=True)
class _Work:
    """The options that all sets share."""

    out: Path | None
    workers: int | None
    on_error: Literal["stop", "skip"]
    strict: bool
    fresh: bool
    exclude_list: Path | None


def _index(name: str, root: Path | None, options: Any, work: _Work, as_json: bool) -> int:
    """Index one set and print what came of it; how many faults were found."""
    from fertools.formats.folders import read_names
    from fertools.formats.registry import get_dataset
    from fertools.home import derived_dir, find_dataset
    from fertools.index import index_dataset
    from fertools.jobs.pool import default_workers

    found = find_dataset(name.removesuffix("-rendered"), root)
    mark = " (stand-in, synthetic)" if found.synthetic else ""
    typer.echo(f"{found.path}{mark}", err=True)
    out = work.out or derived_dir(name)
    if (out / "manifest.parquet").exists():
        typer.echo(f"{out}: what an earlier index wrote here is replaced", err=True)
    summary = index_dataset(
        get_dataset(name),
        found,
        out,
        options,
        workers=work.workers or default_workers(),
        on_error=work.on_error,
        strict=work.strict,
        fresh=work.fresh,
        exclude=() if work.exclude_list is None else read_names(work.exclude_list),
    )
    for difference in summary.differences:
        typer.echo(f"warning: {difference}", err=True)
    for reason, count in summary.notes.items():
        typer.echo(f"{count:,}: {reason}", err=True)
    for fault in summary.faults[:20]:
        typer.echo(f"fault: {' '.join(str(fault).split())}", err=True)
    if summary.faults:
        listed = summary.manifest.path.with_name("faults.txt")
        typer.echo(f"{len(summary.faults):,} faults, all listed in {listed}", err=True)
    _print(summary.manifest, summary.layout, as_json, num_faults=len(summary.faults))
    return len(summary.faults)


def _print(manifest: Manifest, layout: str, as_json: bool, *, num_faults: int = 0) -> None:
    """What a manifest holds, and its path last."""
    import json

    frame = manifest.frame
    splits = {str(k): int(n) for k, n in frame["split"].value_counts().sort_index().items()}
    facts = {
        "layout": layout,
        "synthetic": manifest.info.synthetic,
        "samples": len(frame),
        "subjects": int(frame["subject_id"].nunique()),
        "views": int(frame["view_id"].nunique()),
        "expressions": int(frame["expression"].nunique()),
        "splits": splits,
        "faults": num_faults,
        "manifest": str(manifest.path),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(f"layout: {layout}")
    parts = [f"{facts['samples']:,} samples"]
    for name in ("subjects", "views", "expressions"):
        if facts[name]:
            parts.append(f"{facts[name]:,} {name}")
    parts += [f"{name} {number:,}" for name, number in splits.items()]
    mark = " (synthetic)" if manifest.info.synthetic else ""
    typer.echo(", ".join(parts) + mark)
    typer.echo(manifest.path)


def _end(num_faults: int) -> None:
    """Say in the exit status that something was left out."""
    if num_faults:
        raise typer.Exit(EXIT_SKIPPED)
