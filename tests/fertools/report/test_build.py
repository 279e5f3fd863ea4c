from __future__ import annotations

import csv
import json
import re
from base64 import b64decode
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from report_pages import Page

from fertools.errors import LockError, OutputError, PredictionsError
from fertools.metrics import read_tables, summarise
from fertools.report import write_report

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def run(make_run: MakeRun) -> Path:
    run = make_run("whole")
    leaks = {"subjects": "checked", "counts": {"file": 3}, "not_checked": ["near duplicates: no"]}
    rules = {"fusion_softmax": 0.5, "local_branch": 0.25}
    (run / "results.json").write_text(json.dumps({"leaks": leaks, "accuracy_by_rule": rules}))
    return run


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page(write_report(run))


class TestPage:
    def test_it_says_what_the_predictions_say(self, run: Path, page: Page) -> None:
        summary = summarise(read_tables(run))
        assert f"{100 * summary['accuracy']:.1f}" in page.text
        assert f"{100 * summary['accuracy_mean_over_views']:.1f}\u202f%" in page.text
        assert "gms_lpa_tiny on bu3dfe-p1-5fold" in page.text
        assert "the protocol’s primary figure" in page.text
        assert "16.7\u202f%" in page.text
        assert summary["lock_digest"] in page.text
        assert "from scratch" in page.text
        assert "final epoch" in page.text
        assert "Partial result" not in page.text

    def test_leaks_and_rules_are_listed(self, page: Page) -> None:
        assert re.search(r"The person is trained on too\s*0", page.text)
        assert re.search(r"The same file is trained on\s*3", page.text)
        assert re.search(r"An altered copy is trained on\s*not checked \(no\)", page.text)
        assert re.search(r"Local branch alone\s*25\.0", page.text)

    def test_the_paper_stands_apart_and_is_called_not_comparable(self, page: Page) -> None:
        assert page.source.count("78.32") == 1
        assert "The paper's Table 6" in page.text
        assert "NOT comparable: this run saw synthetic stand-ins" in page.text

    def test_it_stands_alone(self, page: Page) -> None:
        assert not page.all("script")
        assert not page.all("iframe")
        names = [value for _, tag in page.tags for value in tag.values() if value]
        links = [v for v in names if re.match(r"\s*(https?:)?//", v) and "www.w3.org" not in v]
        assert links == []
        assert "@import" not in page.source
        assert re.findall(r"url\((?!#)", page.source) == []
        assert all((tag["src"] or "").startswith("data:image/png") for tag in page.all("img"))
        assert all(re.match("#|data:", tag["href"] or "") for tag in page.all("a"))
        [policy] = [tag for tag in page.all("meta") if "http-equiv" in tag]
        assert (policy["content"] or "").startswith("default-src 'none'")

    def test_it_can_be_heard(self, page: Page) -> None:
        assert len(page.all("caption")) == len(page.all("table")) >= 6
        assert all(tag.get("scope") in ("row", "col") for tag in page.all("th"))
        assert all(tag.get("alt") for tag in page.all("img"))
        assert all(tag.get("aria-label") for tag in page.all("svg"))
        assert len(page.all("figcaption")) == len(page.all("figure")) == 2
        assert page.all("html")[0]["lang"] == "en"
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_ids_are_unique_and_used_ones_exist(self, page: Page) -> None:
        ids = [tag["id"] for _, tag in page.tags if "id" in tag]
        assert len(ids) == len(set(ids))
        used = re.findall(r'(?:url\(#|href="#|labelledby=")([\w-]+)', page.source)
        assert set(used) <= set(ids)

    def test_settings_cannot_write_markup(self, page: Page) -> None:
        assert "<b>key</b>" in page.text
        assert not page.all("i")

    def test_it_names_no_sample_and_no_folder_of_this_machine(self, run: Path, page: Page) -> None:
        assert str(run.parent) in (run / "config.yaml").read_text()
        assert str(run.parent) not in page.source
        assert "…/m.parquet" in page.text
        assert "F0000_" not in page.source

    def test_every_table_can_be_taken_and_lies_beside(self, run: Path, page: Page) -> None:
        files = {path.name: path.read_text() for path in (run / "tables").iterdir()}
        links = [tag for tag in page.all("a") if tag.get("download")]
        assert len(links) == len(files) >= 20
        for link in links:
            name = (link["download"] or "").removeprefix("gms-lpa-tiny-on-bu3dfe-p1-5fold-")
            assert b64decode((link["href"] or "").partition("base64,")[2]).decode() == files[name]

    def test_the_same_run_gives_the_same_bytes(self, run: Path, page: Page) -> None:
        def parts() -> dict[str, bytes]:
            return {
                p.name: p.read_bytes() for f in ("figures", "tables") for p in (run / f).iterdir()
            }

        before = parts()
        assert write_report(run).read_text(encoding="utf-8") == page.source
        assert parts() == before
        assert {"accuracy-by-view.svg", "confusion.png", "confusion-by-view.svg"} <= set(before)
        assert {"reliability.svg", "views.csv", "views.tex"} <= set(before)


class TestHonesty:
    def test_stand_ins_are_marked_everywhere(self, run: Path, page: Page) -> None:
        assert "SYNTHETIC stand-in data" in page.text
        captions = re.findall(r"<(?:fig)?caption[^>]*>(.*?)</(?:fig)?caption>", page.source)
        plain = [c for c in captions if "(synthetic" not in c]
        assert plain == ["Settings (config.yaml)", "Environment (environment.json)"]
        for figure in (run / "figures").glob("*.svg"):
            assert "synthetic stand-in data" in figure.read_text(encoding="utf-8")
        for table in (run / "tables").glob("*.csv"):
            rows = list(csv.DictReader(table.read_text().splitlines()))
            assert {row["mark"] for row in rows} == {"synthetic"}
        for table in (run / "tables").glob("*.tex"):
            assert r"\caption{SYNTHETIC." in table.read_text()

    def test_parts_and_what_is_not_as_locked_are_marked_everywhere(self, make_run: MakeRun) -> None:
        run = make_run("part", folds=(0, 2), mismatch=("another recipe",))
        (run / "results.json").write_text(json.dumps({"accuracy": 0.999}))
        page = Page(write_report(run))
        assert "NOT AS LOCKED" in page.text
        assert "another recipe" in page.text
        assert page.all("body")[0]["class"] == "unlocked"
        marks = "(NOT AS LOCKED, synthetic, partial)"
        assert f"{marks}</title>" in page.source
        captions = re.findall(r"<(?:fig)?caption[^>]*>(.*?)</(?:fig)?caption>", page.source)
        assert sum(marks not in caption for caption in captions) == 2  # the run's own files
        for figure in (run / "figures").glob("*.svg"):
            assert "NOT AS LOCKED" in figure.read_text(encoding="utf-8")
            assert "synthetic stand-in data, partial" in figure.read_text(encoding="utf-8")
        for table in (run / "tables").iterdir():
            assert "NOT AS LOCKED" in table.read_text()
        assert "Partial result: 2 of the protocol's 5 folds" in page.text
        assert "not tested yet: fold 1, 3, 4" in page.text
        assert "No interval: fewer than five people" in page.text
        assert "results.json states an accuracy of 99.9" in page.text

    def test_what_was_left_out_and_what_leaks_stands_at_the_top_and_everywhere(
        self, make_run: MakeRun
    ) -> None:
        run = make_run("leaky", left_out=2)
        leaks = {"subjects": "checked", "counts": {"near-duplicate": 3, "subject": 1200}}
        results = {"leaks": leaks, "pictures_differ": True, "mismatch": ["labels differ"]}
        (run / "results.json").write_text(json.dumps(results))
        page = Page(write_report(run))
        top = page.source[: page.source.index("<nav")]
        assert "Trained without 2 samples that leak: not the whole protocol." in top
        shared = "Leaks: 1\u202f200 tested pictures share a person with the training side, 3 an"
        assert shared in top
        assert "labels differ" in top  # of results.json
        marks = "NOT AS LOCKED, synthetic, leaks left out"
        assert f"({marks})</title>" in page.source
        for table in (run / "tables").glob("*.csv"):
            assert marks in table.read_text()
        for table in (run / "tables").glob("*.tex"):
            assert rf"\caption{{{marks.upper()}." in table.read_text()
        assert re.search(r"Left out of training\s*2 samples that leak", page.text)
        assert re.search(r"Bytes of the pictures\s*other bytes than those trained on", page.text)
        assert re.search(r"The same file is trained on\s*0\s*2", page.text)
        again = re.search(r"zoo train .*", page.text)
        assert again is not None
        assert "protocol.lock.json --exclude-leaks --allow-mismatch" in again[0]

    def test_damaged_neighbours_are_clear_errors(self, make_run: MakeRun) -> None:
        run = make_run("damaged", folds=(0,))
        (run / "environment.json").write_text('{"python": ')
        with pytest.raises(PredictionsError, match=r"environment.json: not whole JSON"):
            write_report(run)
        path = run / "protocol.lock.json"
        path.write_text(path.read_text().replace('"bu3dfe"', '"bu4dfe"'))
        with pytest.raises(LockError):
            write_report(run)
        assert not (run / "report.html").exists()


def test_people_are_shown_only_when_asked_for(make_run: MakeRun, tmp_path: Path) -> None:
    table = make_run("licensed", synthetic=False, folds=(0,)) / "fold0"  # no lock beside it
    (table / "config.yaml").write_text((table.parent / "config.yaml").read_text())
    shy = Page(write_report(table))
    assert not shy.all("img")
    assert "--with-faces shows them" in shy.text
    assert "SYNTHETIC" not in shy.text
    out = tmp_path / "elsewhere" / "page.html"
    assert write_report(table, out=out, with_faces=True) == out
    assert Page(out).all("img")
    assert (tmp_path / "elsewhere" / "page-figures" / "confusion.png").is_file()
    assert (tmp_path / "elsewhere" / "page-tables" / "confusion.csv").is_file()


def _by_hand() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample_id": ["a", "b", "c", "d"],
            "label": [0, 0, 1, 1],
            "score_smile": [0.9, 0.2, 0.1, 0.3],
            "score_neutral": [0.1, 0.8, 0.9, 0.7],
        }
    )


class TestByHand:
    def test_a_table_by_hand_is_enough(self, tmp_path: Path) -> None:
        folder = tmp_path / "mine"
        folder.mkdir()
        _by_hand().to_parquet(folder / "predictions.parquet")
        page = Page(write_report(folder))
        assert page.all("h1")
        assert "mine" in page.text
        assert "75.0\u202f%" in page.text
        assert "No locked protocol" in page.text
        assert "Table written by hand" in page.text
        assert "SYNTHETIC" not in page.text
        single = write_report(folder / "predictions.parquet", out=tmp_path / "one.html")
        assert "75.0\u202f%" in Page(single).text

    def test_names_in_any_script_are_kept(self, tmp_path: Path) -> None:
        names = {"score_smile": "score_微笑", "score_neutral": 'score_<b>"$x_1$&</b>score_a{x}'}
        frame = _by_hand().rename(columns=names).assign(view_id=["上", "{x}", "<u>", "<u>"])
        frame.to_parquet(tmp_path / "predictions.parquet")
        page = Page(write_report(tmp_path))
        assert "微笑" in page.text
        assert '<b>"$x_1$&</b>' in page.text
        assert "score_a{x}" in page.text
        assert "微笑" in (tmp_path / "figures" / "confusion.svg").read_text(encoding="utf-8")
        assert not page.all("u")

    def test_very_many_views_have_no_confusions_of_their_own(self, tmp_path: Path) -> None:
        frame = pd.concat([_by_hand().assign(view_id=f"camera {view}") for view in range(70)])
        frame["sample_id"] = [f"s{number}" for number in range(len(frame))]
        frame.to_parquet(tmp_path / "predictions.parquet")
        page = Page(write_report(tmp_path))
        assert "There are 70 views: the confusions of each are left out" in page.text
        assert not (tmp_path / "figures" / "confusion-by-view.png").exists()

    def test_a_folder_without_predictions_is_a_clear_error(self, tmp_path: Path) -> None:
        with pytest.raises(PredictionsError, match=r"no predictions; expected fold\*"):
            write_report(tmp_path)
        with pytest.raises(PredictionsError, match="no such folder"):
            write_report(tmp_path / "nothing")

    def test_what_is_no_page_of_ours_is_never_replaced(self, tmp_path: Path) -> None:
        table = tmp_path / "predictions.parquet"
        _by_hand().to_parquet(table)
        before = table.read_bytes()
        for out in (table, tmp_path):
            with pytest.raises(
                OutputError, match="is no report of fertools, so it is not replaced"
            ):
                write_report(table, out=out)
        assert table.read_bytes() == before
        page = write_report(table)
        assert write_report(table) == page == tmp_path / "report.html"
