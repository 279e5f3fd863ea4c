from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import published_commands
from cli.runner import new_app

app = new_app("The commands under test.")
app.command("check-published")(published_commands.check_published)
app.command("other")(lambda: None)


def call(*words: str, status: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["check-published", *words])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def test_findings_are_lines_and_totals_come_last() -> None:
    lines = call()[0].splitlines()
    assert (
        "count     Table 9, Disgust, 0°: 80.20 printed, no count over 100 pictures, nearest are "
        "80.00 (80) and 81.00 (81)"
    ) in lines
    kinds = [line.split()[0] for line in lines]
    first_total = kinds.index("total")
    assert set(kinds[first_total:]) == {"total"}
    assert lines[first_total:][:2] == [
        "total     cells as counts over pictures: 53 fit, 21 only rounding or cutting off "
        "explains, 260 do not fit",
        "total     averages of cells: 47 fit, 46 only rounding or cutting off explains, 7 do "
        "not fit",
    ]


def test_one_table_alone() -> None:
    out = call("--table", "15")[0]
    assert "28.6 + 41.2 - 1.44 = 68.36" in out
    assert "Table 9," not in out


def test_for_programs() -> None:
    said = json.loads(call("--table", "9", "--json")[0])
    assert said["totals"]["count"] == {"fits": 3, "rounding": 0, "misfit": 39, "unchecked": 0}
    assert said["sizes"][0]["smallest"] == 8000


def test_the_page_is_the_documentation() -> None:
    page = Path(__file__).parents[2] / "docs" / "published-figures.md"
    assert call("--markdown")[0] == page.read_text(encoding="utf-8")


def test_a_table_that_is_not_kept_is_one_line() -> None:
    assert call("--table", "14", status=1)[1] == (
        "error: no table '14' among the data; expected one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "
        "12, 13, 15\n"
    )


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--json", "--markdown"), "choose one of --json and --markdown"),
        (("--markdown", "--table", "5"), "the page is of all tables"),
    ],
)
def test_options_that_exclude_each_other(words: tuple[str, ...], fault: str) -> None:
    assert fault in call(*words, status=2)[1]
