from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from report_pages import Page

from fertools.errors import PredictionsError
from fertools.metrics import compare, read_predictions, read_tables, write_predictions
from fertools.report import write_report
from fertools.report.collect import collect_run
from fertools.report.comparison import compare_readings
from fertools.report.comparison_page import comparison_page
from fertools.report.facts import facts_table
from fertools.report.marks import marks_of
from fertools.report.reading import name_runs, read_run

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def runs(make_run: MakeRun) -> list[Path]:
    """Three runs under one lock, the first the best."""
    return [
        make_run("good", model="good", skill=3.0),
        make_run("fair", model="fair", skill=2.0),
        make_run("poor", model="poor", skill=0.5),
    ]


@pytest.fixture(scope="module")
def page(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("pages") / "side.html"
    return Page(write_report(runs, out=out, margin=0.02))


def _rewrite(run: Path, folder: Path, **changes: object) -> Path:
    """A copy of a run whose tables say something else about themselves, without its lock."""
    shutil.copytree(run, folder)
    (folder / "protocol.lock.json").unlink()
    for path in folder.glob("fold*/predictions.parquet"):
        table = read_predictions(path)
        write_predictions(path, table.frame, replace(table.info, **changes))  # type: ignore[arg-type]
    return folder


def test_the_first_run_is_the_baseline_of_the_others(runs: list[Path], page: Page) -> None:
    accuracy = compare(read_tables(runs[2]), read_tables(runs[0])).metrics["accuracy"]
    assert accuracy.difference < -0.3
    assert f"−{-100 * accuracy.difference:.1f} points" in page.text
    assert "Compared with good on the same 150 pictures of 5 people" in page.text
    assert "Paired differences: each run − good" in page.text
    assert re.search(r"fair\s*Mean of views\s*primary", page.text)
    assert "3 runs on bu3dfe-p1-5fold" in page.text
    assert "poor − good by view" in page.text
    assert "p (Holm)" in page.text


def test_few_people_are_said_to_be_too_few(page: Page) -> None:
    assert "it cannot come below 0.062, however large the difference" in page.text
    assert "5 people on whom the runs differ are too few for this test" in page.text
    assert "This may be chance" not in page.text


def test_facts_that_differ_are_marked(page: Page) -> None:
    assert re.search(r"Model\s*differs", page.text)
    assert not re.search(r"Protocol\s*differs", page.text)


def test_a_comparison_can_be_heard_and_stands_alone(page: Page) -> None:
    assert len(page.all("caption")) == len(page.all("table")) >= 8
    assert all(tag.get("scope") in ("row", "col") for tag in page.all("th"))
    assert all(tag.get("aria-label") for tag in page.all("svg"))
    assert not page.all("script")
    assert not page.all("img")
    ids = [tag["id"] for _, tag in page.tags if "id" in tag]
    assert len(ids) == len(set(ids))
    assert "SYNTHETIC stand-in data" in page.text


def test_its_parts_lie_beside_it(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_report(runs[:2]) == Path("comparison.html")
    assert {path.name for path in Path("comparison-figures").iterdir()} == {
        "accuracy-by-view.png",
        "accuracy-by-view.svg",
        "differences.png",
        "differences.svg",
    }
    frame = pd.read_csv("comparison-tables/differences.csv")
    assert frame["Difference (points)"].max() < 0
    assert set(frame["mark"]) == {"synthetic"}
    assert "p (Holm)" not in frame.columns
    assert write_report(runs[:2]) == Path("comparison.html")  # our own page is replaced


def test_views_and_means_are_corrected_for_their_number(runs: list[Path]) -> None:
    made = compare_readings([read_run(path) for path in runs])
    assert made.baseline == "good"
    assert made.is_locked
    assert made.primary == "accuracy_mean_over_views"
    assert [one.run for one in made.comparisons] == ["fair", "poor"]
    assert all(one.mean.holm_p >= one.mean.p_value for one in made.views if one.mean.holm_p)


class TestRefused:
    def test_another_lock_is_refused_and_named(self, runs: list[Path], tmp_path: Path) -> None:
        other = _rewrite(runs[1], tmp_path / "other", lock_digest="e" * 64, protocol="mine")
        with pytest.raises(
            PredictionsError,
            match=r"made under the lock 'eeeeeeeeeeee', .*\(protocols 'mine' and "
            r"'bu3dfe-p1-5fold'\); only runs under one lock compare",
        ):
            write_report([runs[0], other], out=tmp_path / "page.html")
        assert not (tmp_path / "page.html").exists()

    def test_a_lock_of_other_samples_says_what_differs(
        self, runs: list[Path], make_run: MakeRun, tmp_path: Path
    ) -> None:
        other = collect_run(make_run("again"))
        first = read_run(runs[0])
        assert other.lock is not None
        lock = replace(other.lock, labels={}, protocol_version=2, digest="e" * 64)
        infos = [replace(t.info, lock_digest=lock.digest) for t in other.predictions]
        tables = tuple(
            replace(t, info=info) for t, info in zip(other.predictions, infos, strict=True)
        )
        second = replace(first, run=replace(other, lock=lock, predictions=tables))
        with pytest.raises(
            PredictionsError, match=r"they differ in protocol version 2 and 1, samples or labels"
        ):
            compare_readings([first, second])

    def test_other_folds_are_refused(self, runs: list[Path], make_run: MakeRun) -> None:
        with pytest.raises(PredictionsError, match=r"lacks fold 3, 4, .* lacks none"):
            write_report([runs[0], make_run("short", folds=(0, 1, 2))])

    def test_a_run_given_twice_is_refused(self, runs: list[Path]) -> None:
        with pytest.raises(PredictionsError, match="is given twice"):
            write_report([runs[0], runs[0]])

    def test_other_samples_are_refused(self, runs: list[Path], tmp_path: Path) -> None:
        short = _rewrite(runs[1], tmp_path / "short", lock_digest="")
        shutil.rmtree(short / "fold4")
        with pytest.raises(PredictionsError, match=r"is missing.*such samples"):
            write_report([runs[0], short], out=tmp_path / "page.html")


def test_a_table_without_a_lock_compares_with_a_word_of_caution(
    runs: list[Path], tmp_path: Path
) -> None:
    theirs = _rewrite(runs[1], tmp_path / "theirs", lock_digest="")
    page = Page(write_report([runs[0], theirs], out=tmp_path / "page.html"))
    assert "Not every run names the lock that it was made under" in page.text


def test_a_mismatch_of_one_run_marks_them_all(
    runs: list[Path], make_run: MakeRun, tmp_path: Path
) -> None:
    other = make_run("off", model="off", mismatch=("another recipe",))
    page = Page(write_report([runs[0], other], out=tmp_path / "page.html"))
    assert page.all("body")[0]["class"] == "unlocked"
    assert "another recipe" in page.text


def test_a_table_cannot_deny_that_its_lock_is_of_stand_ins(runs: list[Path]) -> None:
    first = read_run(runs[0])
    table = first.run.predictions[0]
    denied = replace(table, info=replace(table.info, synthetic=False))
    assert marks_of(replace(first.run, predictions=(denied,))).synthetic
    assert not marks_of(replace(first.run, predictions=(denied,), lock=None)).synthetic


def test_runs_are_named_by_what_tells_them_apart(
    runs: list[Path], make_run: MakeRun, tmp_path: Path
) -> None:
    seed0 = _rewrite(runs[0], tmp_path / "seed0")
    seed1 = _rewrite(runs[0], tmp_path / "seed1")
    assert name_runs([collect_run(path) for path in runs]) == ["good", "fair", "poor"]
    nameless = [collect_run(_rewrite(runs[0], tmp_path / name, model="")) for name in "ab"]
    assert name_runs(nameless) == ["a", "b"]
    assert name_runs([collect_run(path) for path in (seed0, seed1)]) == ["seed0", "seed1"]


def test_leaks_left_out_stand_in_the_facts_notices_and_marks_of_a_comparison(
    make_run: MakeRun,
) -> None:
    runs = [make_run(name, model=name, folds=(0,), left_out=2) for name in ("one", "two")]
    (runs[1] / "results.json").write_text('{"leaks": {"counts": {"file": 4}}}')
    made = compare_readings([read_run(run) for run in runs], margin=0.02)
    assert made.marks.text == "synthetic, leaks left out, partial"
    [row] = [row for row in facts_table(made.readings).rows if row[0].text.startswith("Left out")]
    assert [cell.text for cell in row[1:]] == ["2 samples that leak (--exclude-leaks)"] * 2
    page = comparison_page(made, places=("figures", "tables")).text
    top = page[: page.index("<nav")]
    for name in ("one", "two"):
        assert f"{name}: Trained without 2 samples that leak: not the whole protocol" in top
    assert "two: Leaks: 4 tested pictures share a file with the training side" in top
    assert "--margin 2" in page
