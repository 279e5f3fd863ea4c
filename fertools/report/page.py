"""From values to HTML: the templates, and what they may call."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from fertools import __version__
from fertools.report import wording
from fertools.report.export import as_csv, as_latex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fertools.report.figures import Drawing
    from fertools.report.tables import Table

__all__ = ["GENERATOR", "render_page"]

GENERATOR = '<meta name="generator" content="fertools'
"""How a page of ours is known again."""


def render_page(
    template: str,
    *,
    tables: Mapping[str, Table],
    drawings: Mapping[str, Drawing],
    values: Mapping[str, Any],
) -> str:
    """Fill a template of the folder ``templates``.

    Args:
        template: Its name without the ending.
        tables: Key to table; each gets links to itself as CSV and as LaTeX.
        drawings: Key to figure.
        values: What else it names; ``title`` also ends the captions of LaTeX tables.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fertools.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=wording.percent,
        count=wording.count,
        points=wording.points,
        p_text=wording.p_text,
        interval=wording.interval_text,
        breakable=_breakable,
        csv_uri=lambda table: _data_uri(as_csv(table), "text/csv"),
        latex_uri=lambda table: _data_uri(as_latex(table, of=values["title"]), "application/x-tex"),
    )
    return environment.get_template(f"{template}.html.j2").render(
        tables=tables,
        drawings=drawings,
        inline={key: Markup(drawing.inline) for key, drawing in drawings.items()},
        version=__version__,
        **values,
    )


def _breakable(text: str) -> Markup:
    """A heading that may break after the joints of long names."""
    return Markup(re.sub("(_|/)", r"\1<wbr>", str(escape(text))))


def _data_uri(text: str, mime: str) -> str:
    """A file inside a link."""
    return f"data:{mime};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"
