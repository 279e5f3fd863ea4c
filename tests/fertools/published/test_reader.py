from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from fertools.errors import ConfigError
from fertools.published import PublishedTable, published_tables, read_tables
from fertools.published.reader import read_table

GOOD = """
number: 5
title: Two views
section: "4.3"
unit: "%"
labels: [Set, Expression]
facts: [Year]
figures: ["0°", "90°", Average]
means: {into: Average, row: BU / Average}
counts: [{of: cells, pictures: 100, because: people}]
rows:
  - [BU, Angry, "2024", "77.71", "–", "77.71"]
  - [BU, Fear, "", "100.0", "57.13.", "78.6"]
  - [BU, Average, "", "88.86", "57.13", "73.0"]
"""


def write(folder: Path, text: str, name: str = "table-05.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> PublishedTable:
    return read_table(write(tmp_path, GOOD))


def test_every_numeric_table_of_the_paper_is_there() -> None:
    tables = published_tables()
    assert list(tables) == [*range(1, 14), 15]  # 14 names hardware
    shape = {number: (len(t.rows), len(t.cells)) for number, t in tables.items()}
    assert shape[5] == (7, 42)
    assert shape[7] == (7, 56)
    assert shape[9] == (7, 56)
    assert sum(cells for _, cells in shape.values()) == 659


def test_every_cell_knows_its_table_and_has_a_number() -> None:
    for number, table in published_tables().items():
        assert table.title
        assert table.section.startswith("4.")
        for (row, column), cell in table.cells.items():
            assert (cell.table, cell.row, cell.column) == (number, row, column)
            assert cell.unit in {"%", "million", "min", "s", "h"}
            assert 0 < cell.value < 1000


@pytest.mark.parametrize(
    ("number", "row", "column", "printed"),
    [
        (1, "Multi-PIE / Single-branch (LA)", "90°", "82.35"),
        (2, "Multi-PIE / FDB + SDB", "75°", "83.4"),
        (3, "BU-3DFEP1 / 1 x 1", "30°", "76.4"),
        (4, "Multi-PIE / Model-level", "60°", "86.9"),
        (5, "Surprise", "90°", "88.10"),
        (6, "Manual-based / Mao et al. [43] / TDP", "90°", "57.50"),
        (7, "Happy", "-30°", "90.46"),
        (8, "Manual-based / Jampour et al. [47] / Dense SIFT", "Accuracy", "78.64"),
        (9, "Scream", "0°", "100.0"),
        (10, "Manual-based / Huang et al. [41] / GMM", "Accuracy", "76.83"),
        (11, "GMS-Net (Ours)", "Pose-AffectNet >30°", "57.13."),
        (12, "45° / GMS / BU-3DFEP1 (45°) / Multi-PIE (45°)", "Accuracy", "61.08"),
        (13, "Zeng et al. [59] / LINet*", "RAF-DB", "86.77*"),
        (15, "GMS-LPA", "Parameters", "66.4"),
    ],
)
def test_figures_stand_as_printed(number: int, row: str, column: str, printed: str) -> None:
    assert published_tables()[number].cell(row, column).printed == printed


def test_marks_and_decimals_are_kept_apart_from_the_number(table: PublishedTable) -> None:
    full, marked = table.cell("BU / Fear", "0°"), table.cell("BU / Fear", "90°")
    assert (full.printed, full.value, full.decimals) == ("100.0", 100, 1)
    assert (marked.printed, marked.number, marked.value) == ("57.13.", "57.13", Fraction(5713, 100))


def test_open_cells_are_missing_and_facts_are_kept(table: PublishedTable) -> None:
    assert ("BU / Angry", "90°") not in table.cells
    assert table.facts["BU / Angry"] == {"Year": "2024"}
    assert [cell.column for cell in table.views("BU / Angry")] == ["0°"]
    counted = table.counted(table.counts[0])
    assert [cell.printed for cell in counted] == ["77.71", "100.0", "57.13."]


def test_a_place_that_is_not_there_is_named(table: PublishedTable) -> None:
    with pytest.raises(ConfigError, match=r"Table 5: no row 'Joy'; expected one of 'BU / Angry'"):
        table.cell("Joy", "0°")
    with pytest.raises(ConfigError, match=r"Table 5: no column '45°'; expected one of 0°, 90°"):
        table.cell("BU / Angry", "45°")
    with pytest.raises(ConfigError, match=r"Table 5: no figure at row 'BU / Angry', column '90°'"):
        table.cell("BU / Angry", "90°")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"77.71", "–"', '77.71, "–"', r"'rows.0.3': Input should be a valid string, got 77.71"),
        ('"77.71", "–"', '"77,71", "–"', r"row 'BU / Angry', column '0°': '77,71' is no figure"),
        ('"77.71", "–"', '"nan", "–"', r"'nan' is no figure"),
        ('"77.71", "–"', '"177.71", "–"', r"'177.71' is above 100 %"),
        (', "78.6"]', "]", r"row 'BU' has 5 cells, expected 6"),
        ("[BU, Fear", "[BU, Angry", r"two rows are called 'BU / Angry'"),
        ('"90°", Average]', '"0°", Average]', r"two columns are called '0°'"),
        ("into: Average", "into: Mean", r"'Mean' is no column of figures"),
        ("row: BU / Average", "row: Average", r"'means.row': there is no row 'Average'"),
        ("because: people", "because: x, rows: [Joy]", r"'counts.rows': no row is like 'Joy'"),
        ("because: people", "because: x, columns: [Joy]", r"'Joy' is no column of figures"),
        ("pictures: 100", "pictures: 0", r"'counts.0.pictures': Input should be greater"),
        ("title: Two views", "titel: Two views", r"(and 1 more)"),
        ("number: 5", "number: 16", r"'number': Input should be less than or equal to 15"),
        ("number: 5", "number: 7", r"'number': is 7, expected the name table-07.yaml"),
        ("title: Two views", "title: !!python/name:os.system x", r"is not plain YAML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=fault) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no table; expected files such as table-05.yaml"):
        read_tables(tmp_path)
