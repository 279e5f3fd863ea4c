from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fertools.config import build_config
from fertools.errors import ConfigError
from fertools.published import Audit, Check, audit_json, audit_published, published_tables
from fertools.published.declared import Declared, Places, read_declared
from fertools.published.page import KIND_WORDS, VERDICT_WORDS, audit_markdown
from fertools.published.reader import read_table

NOTHING = {"cells": {}, "repeats": [], "text": [], "shares": [], "sums": [], "deviations": []}
TABLE = """
number: 5
title: Two views of 8 pictures
section: "4.3"
unit: "%"
labels: [Expression]
figures: ["0°", "90°", Average]
means: {into: Average, row: Average}
counts: [{of: cells, pictures: 8, because: people, also: {7: one is missing}}]
rows:
"""


@pytest.fixture(scope="module")
def audit() -> Audit:
    return audit_published()


def made(folder: Path, *rows: str, **declared: object) -> Audit:
    """An audit of a table of our own with these rows."""
    path = folder / "table-05.yaml"
    path.write_text(TABLE + "".join(f"  - [{row}]\n" for row in rows), encoding="utf-8")
    wanted = build_config(Declared, NOTHING | declared, source="test")
    return audit_published({5: read_table(path)}, wanted)


def at(audit: Audit, place: str, kind: str) -> list[Check]:
    return [check for check in audit.checks if (check.place, check.kind) == (place, kind)]


SOUND = (
    'Angry, "12.50", "37.50", "25.00"',
    'Fear, "50.00", "100.0", "75.00"',
    'Average, "31.25", "68.75", "50.00"',
)


class TestATableOfOurOwn:
    def test_a_sound_table_has_no_finding(self, tmp_path: Path) -> None:
        audit = made(tmp_path, *SOUND)
        assert audit.findings == ()
        assert audit.totals["count"]["fits"] == 4
        assert audit.totals["average"]["fits"] == 3 + 3 + 1

    def test_a_cell_that_is_no_count_is_found_with_its_neighbours(self, tmp_path: Path) -> None:
        audit = made(tmp_path, SOUND[0].replace("12.50", "14.29"), *SOUND[1:])
        (check,) = at(audit, "Table 5, Angry, 0°", "count")
        assert check.verdict == "misfit"
        assert check.found == "no count over 8 pictures, nearest are 12.50 (1) and 25.00 (2)"
        assert check.note == "1 of 7 (one is missing) would be"

    @pytest.mark.parametrize(
        ("printed", "verdict", "note"),
        [
            ("25.00", "fits", ""),
            ("24.99", "misfit", "differs by -0.0100, rounding explains less than 0.01"),
            ("24.9", "misfit", "differs by -0.1000, rounding explains less than 0.1"),
            ("26.00", "misfit", "differs by 1.0000, rounding explains less than 0.1"),
        ],
    )
    def test_an_average_is_judged_by_its_cells(
        self, tmp_path: Path, printed: str, verdict: str, note: str
    ) -> None:
        audit = made(tmp_path, f'Angry, "12.50", "37.50", "{printed}"', *SOUND[1:])
        (check,) = at(audit, "Table 5, Angry, Average", "average")
        assert (check.verdict, check.note) == (verdict, note)

    def test_an_average_that_was_cut_off_is_called_so(self, tmp_path: Path) -> None:
        audit = made(tmp_path, 'Angry, "12.51", "37.52", "25.01"', *SOUND[1:])
        (check,) = at(audit, "Table 5, Angry, Average", "average")
        assert check.verdict == "rounding"
        assert check.found == "25.0150 from its row's 2"
        assert check.note == "differs by -0.0050, which rounding can explain; it is cut off"

    def test_text_that_differs_from_its_cell_is_found(self, tmp_path: Path) -> None:
        cell, other = "5 | Angry | 0°", "5 | Fear | 90°"
        text = [
            {"section": "1", "figure": "12.50", "is": cell},
            {"section": "2", "figure": "12.60", "is": cell, "note": "a slip"},
            {"section": "3", "figure": "87.50", "is": f"{other} - angry"},
            {"section": "4", "figure": "12.50", "is": cell, "claim": "greatest"},
        ]
        audit = made(tmp_path, *SOUND, cells={"angry": cell}, text=text)
        assert [check.verdict for check in audit.checks if check.kind == "text"] == [
            *("fits", "misfit", "fits", "fits"),
            "misfit",
        ]
        assert [check.line for check in audit.findings] == [
            "Section 2: 12.60 printed, 12.50 (Table 5, Angry, 0°); a slip",
            "Section 4, Table 5, Angry, 0°: 12.50 printed, called the greatest of its row, "
            "which is 37.50 (90°)",
        ]

    def test_rows_that_ought_to_be_equal_are_compared_cell_by_cell(self, tmp_path: Path) -> None:
        audit = made(tmp_path, *SOUND, repeats=[["5 | Angry", "5 | Fear"]])
        assert audit.totals["repeat"] == {"fits": 0, "rounding": 0, "misfit": 3, "unchecked": 0}

    @pytest.mark.parametrize(
        ("place", "fault"),
        [
            ("5 | Joy | 0°", "Table 5: no row 'Joy'"),
            ("6 | Angry | 0°", "no table '6' among the data; expected one of 5"),
            ("angry", "place 'angry': expected 'TABLE | ROW | COLUMN' or a known name"),
        ],
    )
    def test_a_declared_place_that_is_none_is_refused(
        self, tmp_path: Path, place: str, fault: str
    ) -> None:
        text = [{"section": "1", "figure": "12.50", "is": place}]
        with pytest.raises(ConfigError, match=fault):
            made(tmp_path, *SOUND, text=text)

    def test_a_wrong_declaration_names_its_key(self, tmp_path: Path) -> None:
        path = tmp_path / "checks.yaml"
        path.write_text("cells: {}\ntext: [{section: '1', figure: 12.5, is: x}]\n")
        with pytest.raises(ConfigError, match=r"checks.yaml: 'repeats': Field required"):
            read_declared(path)


class TestThePaper:
    def test_the_totals_are_these(self, audit: Audit) -> None:
        assert {kind: tuple(ends.values()) for kind, ends in audit.totals.items()} == {
            "count": (53, 21, 260, 0),
            "average": (47, 46, 7, 0),
            "repeat": (101, 3, 0, 0),
            "text": (160, 0, 4, 0),
            "share": (0, 0, 20, 0),
            "deviation": (0, 0, 0, 3),
            "sum": (0, 0, 1, 0),
            "remark": (0, 0, 6, 0),
        }

    @pytest.mark.parametrize(
        ("number", "pictures", "possible", "cells"),
        [(5, 400, 4, 30), (7, 500, 13, 42), (9, 100, 3, 42)],
    )
    def test_cells_are_seldom_counts_over_the_stated_pictures(
        self, audit: Audit, number: int, pictures: int, possible: int, cells: int
    ) -> None:
        (sizes,) = (sizes for sizes in audit.sizes if sizes.table == number)
        assert (sizes.pictures, sizes.num_possible, sizes.num_cells) == (pictures, possible, cells)
        assert sizes.all_fit == ()
        mine = [c for c in audit.checks if c.kind == "count" and c.tables == (number,)]
        assert sum(check.verdict == "fits" for check in mine) == possible

    @pytest.mark.parametrize("number", [5, 7, 9])
    def test_averages_are_recomputed_as_numpy_does(self, audit: Audit, number: int) -> None:
        table = published_tables()[number]
        grid = np.array([[float(c.value) for c in table.views(row)] for row in table.rows])
        cells, column = grid[:-1], "Average"
        expected = {row: grid[i].mean() for i, row in enumerate(table.rows)}
        for row, mean in expected.items():
            found = at(audit, table.cell(row, column).place, "average")[0].found
            assert float(found.split()[0]) == pytest.approx(mean, abs=5.1e-5)
        for place, view in enumerate(table.columns[:-1]):
            (check,) = at(audit, table.cell(column, view).place, "average")
            assert float(check.found.split()[0]) == pytest.approx(
                cells[:, place].mean(), abs=5.1e-5
            )
        overall = at(audit, table.cell(column, column).place, "average")[-1]
        assert overall.found == f"{cells.mean():.4f} from all {cells.size} cells"

    def test_the_averages_that_rounding_does_not_explain_are_these(self, audit: Audit) -> None:
        wrong = [c for c in audit.checks if (c.kind, c.verdict) == ("average", "misfit")]
        assert [(check.place, check.printed, check.found) for check in wrong] == [
            ("Table 5, Average, Average", "78.23", "78.2427 from all 30 cells"),
            (
                "Table 6, Manual-based / Wu et al. [9] / LLCBL, Accuracy",
                "74.60",
                "74.5560 from its row's 5",
            ),
            ("Table 7, Angry, Average", "78.89", "78.9000 from its row's 7"),
            ("Table 7, Disgust, Average", "84.17", "84.1571 from its row's 7"),
            ("Table 9, Average, Average", "87.02", "87.0300 from all 42 cells"),
            (
                "Table 10, Manual-based / Moore et al. [4] / LBP, Accuracy",
                "73.30",
                "73.1286 from its row's 7",
            ),
            (
                "Table 10, Manual-based / Moore et al. [4] / LGBP, Accuracy",
                "80.40",
                "79.2429 from its row's 7",
            ),
        ]

    def test_the_parameters_do_not_add_up(self, audit: Audit) -> None:
        (check,) = (check for check in audit.checks if check.kind == "sum")
        assert check.printed == "66.4"
        assert check.found == "28.6 + 41.2 - 1.44 = 68.36"

    def test_deviations_over_folds_cannot_be_recomputed(self, audit: Audit) -> None:
        found = {c.printed: c.found for c in audit.checks if c.kind == "deviation"}
        assert set(found) == {"0.18", "0.37", "0.63"}
        row = published_tables()[10].views(
            "Deep learning-based / GMS-LPA-Net (Ours) / GMS-LPA",
        )
        views = [float(cell.value) for cell in row]
        sample, population = np.std(views, ddof=1), np.std(views)
        said = f"{sample:.2f} (sample) and {population:.2f} (population) over the 7 views"
        assert found["0.18"] == said

    def test_text_that_contradicts_a_table_is_found(self, audit: Audit) -> None:
        wrong = [c.printed for c in audit.checks if (c.kind, c.verdict) == ("text", "misfit")]
        assert wrong == ["82.12", "76.35", "79.41", "0.33"]

    def test_every_declared_place_is_there_and_every_short_name_is_used(self) -> None:
        declared = read_declared()
        places = Places(published_tables(), declared.cells)
        used = {part for text in declared.text for part in text.place.split(" - ")}
        used |= {part for group in declared.repeats for part in group}
        for name in declared.cells:
            assert places.cell(name)
            assert name in used

    def test_one_table_keeps_what_looks_at_it(self, audit: Audit) -> None:
        part = audit_published(only=15)
        assert {check.kind for check in part.checks} == {"text", "sum", "remark"}
        assert set(part.checks) < set(audit.checks)
        assert part.sizes == ()

    def test_a_table_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(
            ConfigError, match=r"no table '14' among the data; expected one of 1, 2"
        ):
            audit_published(only=14)


class TestOutput:
    def test_json_holds_all_checks_and_totals(self, audit: Audit) -> None:
        said = json.loads(json.dumps(audit_json(audit)))
        assert len(said["checks"]) == len(audit.checks)
        assert said["totals"] == audit.totals
        assert said["sizes"][0]["table"] == 1

    def test_every_finding_is_on_the_page(self, audit: Audit) -> None:
        page = audit_markdown(audit)
        for check in audit.findings:
            assert check.found in page
            assert check.note in page
        assert set(KIND_WORDS) == set(audit.totals)
        assert all(words in page for words in VERDICT_WORDS.values())

    def test_the_documentation_is_the_command_s_own_output(self, audit: Audit) -> None:
        page = Path(__file__).parents[3] / "docs" / "published-figures.md"
        assert page.read_text(encoding="utf-8") == audit_markdown(audit)
