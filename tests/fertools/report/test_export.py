from __future__ import annotations

import io
import re

import pandas as pd
import pytest

from fertools.report.export import as_csv, as_latex
from fertools.report.tables import Cell, Table

HOSTILE = [
    r"50 % & more_of #1 $x$ {y} ~ ^ \input{secret} \\",
    r"\end{tabular}\write18{rm}",
    "[2em] looks like an option",
    "*starred*",
    "}{",
    "score_a{x}",
    "{x}",
    "{0}",
    "% a comment",
    "two\nlines\r\nand\ta\x00tab",
    "a <b>bold</b> | name",
    "Zürich – Wädenswil ± 3° → “so” ↓ ‘x’ −1",
    'comma, "quotes"',
    "",
]


def make_table(names: list[str], *, mark: str = "synthetic", foot: bool = True) -> Table:
    rows = tuple(
        (
            Cell(name, "1\u202f200 pictures"),
            Cell("1\u202f200"),
            Cell("61.5", "738", heat=0.615),
            Cell("50.0 – 70.2"),
            Cell("−3.1 ± 12.0"),
        )
        for name in names
    )
    average = (Cell("Average"), Cell(""), Cell("58.0"), Cell("–"), Cell(""))
    return Table(
        "view_expression",
        "Of 100 % (a_b & c), in %",
        ("View", "Pictures", "Accuracy", "95 % interval", "Difference"),
        rows,
        (average,) if foot else (),
        mark,
        ("", "", "%", "%", "points"),
    )


def parse_latex(text: str, num_columns: int) -> tuple[str, list[list[str]]]:
    """Read the little LaTeX that a table may hold, strictly: the caption and the rows' cells."""
    lines = text.splitlines()
    assert lines.pop(0) == r"% needs \usepackage{booktabs}"
    for line in lines:
        bare = re.sub(r"\\[&%$#_{}]", "", line)  # escaped characters mean themselves
        assert "%" not in bare
        assert "#" not in bare
        assert bare.count("$") % 2 == 0
        depth = 0
        for character in bare:
            depth += (character == "{") - (character == "}")
            assert depth >= 0, line
        assert depth == 0, line
        outside = re.sub(r"\$[^$]*\$", "", bare)
        assert not set("_^") & set(outside), line
        known = {
            "begin",
            "end",
            "centering",
            "small",
            "caption",
            "label",
            "toprule",
            "midrule",
            "bottomrule",
        }
        known |= {"textbackslash", "textasciitilde", "textasciicircum", "pm", "circ", "rightarrow"}
        assert set(re.findall(r"\\([a-zA-Z]+)", line)) <= known | {"downarrow"}, line
    kind = "table*" if num_columns > 4 else "table"
    assert lines[:2] == [rf"\begin{{{kind}}}", r"\centering\small"]
    assert lines[-2:] == [r"\end{tabular}", rf"\end{{{kind}}}"]
    caption = next(line for line in lines if line.startswith(r"\caption{"))
    rows = []
    for line in lines[lines.index(r"\toprule") : lines.index(r"\bottomrule")]:
        if line.endswith("rule"):
            continue
        assert line.endswith(r" \\")
        assert not line.startswith(("[", "*"))
        cells = re.split(r"(?<!\\)&", line.removesuffix(r"\\"))
        assert len(cells) == num_columns
        rows.append([cell.strip() for cell in cells])
    return caption.removeprefix(r"\caption{").removesuffix("}"), rows


class TestCsv:
    def test_pandas_reads_numbers_as_numbers(self) -> None:
        frame = pd.read_csv(io.StringIO(as_csv(make_table(["0°", "−15°"]))))
        assert list(frame.columns) == [
            "View",
            "View detail",
            "Pictures",
            "Accuracy (%)",
            "Accuracy detail",
            "95 % interval low (%)",
            "95 % interval high (%)",
            "Difference (points)",
            "Difference SD (points)",
            "mark",
        ]
        assert frame["View"].tolist() == ["0°", "−15°", "Average"]
        assert frame["Pictures"].tolist()[:2] == [1200, 1200]
        assert frame["Accuracy (%)"].tolist() == [61.5, 61.5, 58.0]
        assert frame["95 % interval high (%)"].tolist()[:2] == [70.2, 70.2]
        assert frame["Difference (points)"].tolist()[:2] == [-3.1, -3.1]
        assert frame.iloc[2].isna().sum() == 7
        assert set(frame["mark"]) == {"synthetic"}

    def test_what_stands_below_a_cell_and_signs_become_columns(self) -> None:
        rows = (
            (Cell("ECE"), Cell("12.0\u202f%"), Cell("56.7", "50.7 – 60.0"), Cell("56.7 ± 4.7")),
            (Cell("Brier"), Cell("0.546"), Cell("+3.0"), Cell("–")),
        )
        columns = ("Figure", "Value", "a run", "Folds, mean ± SD")
        text = as_csv(Table("k", "c", columns, rows, units=("", "", "%", "%")))
        assert text.splitlines() == [
            'Figure,Value,Value unit,a run (%),a run low (%),a run high (%),"Folds, mean (%)",'
            '"Folds, SD (%)"',
            "ECE,12.0,%,56.7,50.7,60.0,56.7,4.7",
            "Brier,0.546,,3.0,,,,",
        ]

    def test_a_table_without_a_mark_has_no_such_column(self) -> None:
        assert "mark" not in as_csv(make_table(["a"], mark="")).splitlines()[0]

    def test_every_name_comes_back_as_it_was(self) -> None:
        table = make_table(HOSTILE, foot=False)
        frame = pd.read_csv(io.StringIO(as_csv(table)), keep_default_na=False)
        expected = [name.replace("\r\n", "\n") for name in HOSTILE]
        assert [name.replace("\r\n", "\n") for name in frame["View"]] == expected

    def test_a_column_of_words_and_numbers_stays_one(self) -> None:
        rows = ((Cell("1.0 – 2.0"),), (Cell("none: too few people"),))
        text = as_csv(Table("k", "c", ("95 % interval",), rows))
        assert text == "95 % interval\n1.0 – 2.0\nnone: too few people\n"


class TestLatex:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_name_stays_in_its_cell(self, name: str) -> None:
        _, rows = parse_latex(as_latex(make_table([name, name])), num_columns=5)
        assert len(rows) == 4
        assert rows[1] == rows[2]
        assert rows[1][1:] == [r"1\,200", "61.5 (738)", "50.0 -- 70.2", r"$-$3.1 $\pm$ 12.0"]

    def test_the_caption_is_marked_and_escaped(self) -> None:
        text = as_latex(make_table(["a"], mark="NOT AS LOCKED, synthetic"))
        caption, _ = parse_latex(text, num_columns=5)
        assert caption == r"NOT AS LOCKED, SYNTHETIC. Of 100 \% (a\_b \& c), in \%"
        assert r"\label{tab:view-expression}" in text
        assert "SYNTHETIC" not in as_latex(make_table(["a"], mark=""))

    def test_tables_of_two_runs_have_two_labels(self) -> None:
        one, two = (as_latex(make_table(["a"]), of=f"run_{n} on rafdb") for n in (1, 2))
        assert r"run\_1 on rafdb}" in one
        assert re.findall(r"\\label{(.*)}", one) != re.findall(r"\\label{(.*)}", two)

    def test_a_rule_stands_above_the_averages(self) -> None:
        lines = as_latex(make_table(["a", "b"])).splitlines()
        average = next(i for i, line in enumerate(lines) if line.startswith("Average"))
        assert lines[average - 1] == r"\midrule"
        assert lines[average + 1] == r"\bottomrule"
        assert as_latex(make_table(["a"], foot=False)).count("midrule") == 1

    def test_numbers_stand_to_the_right_and_words_to_the_left(self) -> None:
        rows = ((Cell("1"), Cell("a"), Cell("−2.0")), (Cell("2"), Cell("b"), Cell("–")))
        text = as_latex(Table("k", "c", ("x", "y", "z"), rows))
        assert r"\begin{tabular}{llr}" in text

    def test_the_signs_of_the_report_need_no_package(self) -> None:
        text = as_latex(make_table(["−15°", "Shown ↓ recognised as →", "3 ± 1", "a – b"]))
        assert text.isascii()
