"""``fertools check-published``: whether the paper's own figures fit each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fertools.published import Audit


def check_published(
    table: Annotated[int | None, typer.Option(help="Only what looks at this table.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page of the documentation.")
    ] = False,
) -> None:
    """List which printed figures of the paper cannot all be right.

    Cells that are no count over the stated pictures, averages that are not those of their cells,
    figures that are printed twice and differ, and more; totals last. The findings are the
    paper's: the status is 0.

    Example: fertools check-published --table 9
    """
    from fertools.published import audit_json, audit_published
    from fertools.published.page import audit_markdown

    if as_json and as_markdown:
        raise typer.BadParameter("choose one of --json and --markdown", param_hint="--markdown")
    if as_markdown and table is not None:
        raise typer.BadParameter("the page is of all tables", param_hint="--table")
    audit = audit_published(only=table)
    if as_json:
        typer.echo(json.dumps(audit_json(audit), indent=2, ensure_ascii=False))
    elif as_markdown:
        typer.echo(audit_markdown(audit), nl=False)
    else:
        _print(audit)


def _print(audit: Audit) -> None:
    """A line a finding, a line a group of cells, totals."""
    from fertools.published.page import KIND_WORDS, VERDICT_WORDS

    for check in audit.findings:
        typer.echo(f"{check.kind:<10}{check.line}")
    for group in audit.sizes:
        typer.echo(f"{'sizes':<10}{group.line}")
    for kind, ends in audit.totals.items():
        said = ", ".join(f"{number} {VERDICT_WORDS[end]}" for end, number in ends.items() if number)
        if kind == "remark":
            said = str(sum(ends.values()))
        typer.echo(f"{'total':<10}{KIND_WORDS[kind]}: {said}")
