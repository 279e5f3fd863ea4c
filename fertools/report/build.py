"""Write the report of a run or of several: one HTML file that needs nothing else, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fertools.errors import OutputError
from fertools.jobs import progress, write_text
from fertools.report.comparison import compare_readings
from fertools.report.comparison_page import comparison_page
from fertools.report.export import as_csv, as_latex
from fertools.report.figures import save_drawing
from fertools.report.page import GENERATOR
from fertools.report.reading import read_run
from fertools.report.run_page import Page, run_page

__all__ = ["write_report"]


def write_report(
    runs: Sequence[Path] | Path,
    *,
    out: Path | None = None,
    with_faces: bool = False,
    margin: float | None = None,
) -> Path:
    """Write the page of a run, or of several side by side, and its tables and figures as files.

    All numbers are computed from the predictions; ``results.json`` is only compared with them.
    Equal runs give equal bytes.

    Args:
        runs: One or more of: a run folder, a folder that holds ``predictions.parquet`` or
            ``fold*/predictions.parquet``, or such a file. The first of several is the baseline.
        out: The page. Not given, it is ``report.html`` in the folder of a single run, and
            ``comparison.html`` in the current folder for several. A file that is there and is no
            page of ours is never replaced. Figures go to ``figures`` and tables to ``tables``
            beside the page of a run's own folder, else to ``<page>-figures`` and
            ``<page>-tables``.
        with_faces: Show pictures of people too; those of stand-ins are always shown.
        margin: The largest difference between runs that does not matter, in (0, 1], for tests of
            equivalence.

    Returns:
        The path of the page.

    Raises:
        PredictionsError: If there are no predictions, they are damaged or do not fit the lock, or
            several runs do not compare.
        OutputError: If a file cannot be written, or is no page of ours.
    """
    paths = [Path(runs)] if isinstance(runs, str | Path) else [Path(run) for run in runs]
    if not paths:
        raise ValueError("no run; expected one or more")
    is_own = out is None and len(paths) == 1
    readings = [read_run(path) for path in paths]
    if out is None:
        out = readings[0].run.folder / "report.html" if is_own else Path("comparison.html")
    out = Path(out)
    _need_ours(out)
    places = [
        out.parent / (name if is_own else f"{out.stem}-{name}") for name in ("figures", "tables")
    ]
    names = (places[0].name, places[1].name)
    if len(readings) == 1:
        page = run_page(readings[0], with_faces=with_faces, places=names)
    else:
        made = compare_readings(readings, margin=margin)
        page = comparison_page(made, places=names)
    _write_parts(page, *places)
    write_text(out, page.text)
    return out


def _need_ours(path: Path) -> None:
    """Refuse to replace what is no page of ours."""
    if not path.exists():
        return
    if path.is_file():
        with path.open("rb") as file:
            if GENERATOR.encode() in file.read(4096):
                return
    raise OutputError(
        f"{path}: is there and is no report of fertools, so it is not replaced; choose --out"
    )


def _write_parts(page: Page, figures_dir: Path, tables_dir: Path) -> None:
    """Write figures as SVG and PNG, tables as CSV and LaTeX."""
    with progress("drawing", len(page.drawings), "figures") as advance:
        for drawing in page.drawings:
            save_drawing(drawing, figures_dir)
            advance()
    for table in page.tables:
        write_text(tables_dir / f"{table.key}.csv", as_csv(table))
        write_text(tables_dir / f"{table.key}.tex", as_latex(table, of=page.title))
