"""One self-contained HTML page about a run, from its predictions."""

from fertools.report.build import write_report

__all__ = ["write_report"]
