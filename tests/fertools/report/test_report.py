from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from fertools.errors import LockError, PredictionsError
from fertools.metrics import read_predictions, summarise
from fertools.report import write_report

MakeRun = Callable[..., Path]
VOID = {"meta", "link", "img", "br", "rect", "circle", "line", "path", "use"}


class _Page(HTMLParser):
    """Tags with their attributes, and the text outside of style."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def run(make_run: MakeRun) -> Path:
    return make_run("whole")


@pytest.fixture(scope="module")
def page(run: Path) -> _Page:
    return _Page(write_report(run))


class TestPage:
    def test_it_says_what_the_predictions_say(self, run: Path, page: _Page) -> None:
        paths = sorted(run.glob("fold*/predictions.parquet"))
        summary = summarise([read_predictions(path) for path in paths])
        assert f"{100 * summary['accuracy']:.1f}\u202f%" in page.text
        assert "gms_lpa_tiny on bu3dfe-p1-5fold" in page.text
        assert "16.7\u202f%" in page.text
        assert summary["lock_digest"] in page.text
        assert "from scratch" in page.text
        assert "final epoch" in page.text
        assert "Partial result" not in page.text

    def test_it_stands_alone(self, page: _Page) -> None:
        assert not page.all("script")
        assert not page.all("iframe")
        names = [value for _, tag in page.tags for value in tag.values() if value]
        links = [v for v in names if re.match(r"\s*(https?:)?//", v) and "www.w3.org" not in v]
        assert links == []
        assert "@import" not in page.source
        assert re.findall(r"url\((?!#)", page.source) == []
        assert all((tag["src"] or "").startswith("data:image/png") for tag in page.all("img"))
        [policy] = [tag for tag in page.all("meta") if "http-equiv" in tag]
        assert (policy["content"] or "").startswith("default-src 'none'")

    def test_it_can_be_heard(self, page: _Page) -> None:
        assert len(page.all("caption")) == len(page.all("table")) >= 6
        assert all(tag.get("scope") in ("row", "col") for tag in page.all("th"))
        assert all(tag.get("alt") for tag in page.all("img"))
        assert all(tag.get("aria-label") for tag in page.all("svg"))
        assert len(page.all("figcaption")) == len(page.all("figure")) == 6
        assert page.all("html")[0]["lang"] == "en"

    def test_ids_are_unique(self, page: _Page) -> None:
        ids = [tag["id"] for _, tag in page.tags if "id" in tag]
        assert len(ids) == len(set(ids))
        used = re.findall(r'(?:url\(|href="|labelledby=")#?([\w-]+)', page.source)
        assert set(used) - {"data"} <= set(ids)

    def test_settings_cannot_write_markup(self, page: _Page) -> None:
        assert "<b>key</b>" in page.text
        assert not page.all("i")

    def test_the_same_run_gives_the_same_bytes(self, run: Path, page: _Page) -> None:
        figures = {p.name: p.read_bytes() for p in (run / "figures").iterdir()}
        assert write_report(run).read_text(encoding="utf-8") == page.source
        assert {p.name: p.read_bytes() for p in (run / "figures").iterdir()} == figures
        assert {"accuracy-by-view.svg", "accuracy-by-view.png", "confusion.svg"} <= set(figures)


class TestHonesty:
    def test_stand_ins_are_marked_everywhere(self, run: Path, page: _Page) -> None:
        assert "SYNTHETIC stand-in data" in page.text
        captions = re.findall(r"<(?:fig)?caption>(.*?)</(?:fig)?caption>", page.source)
        plain = [c for c in captions if "(synthetic" not in c]
        assert plain == ["Settings (config.yaml)", "Environment (environment.json)"]
        for figure in (run / "figures").glob("*.svg"):
            assert "synthetic stand-in data" in figure.read_text(encoding="utf-8")

    def test_missing_folds_and_stale_results_are_said(self, make_run: MakeRun) -> None:
        run = make_run("part", folds=(0, 2))
        (run / "results.json").write_text(json.dumps({"accuracy": 0.999}))
        page = _Page(write_report(run))
        assert "Partial result: 2 of the protocol's 5 folds" in page.text
        assert "not tested yet: fold 1, 3, 4" in page.text
        assert "none: too few people" in page.text
        assert "results.json states an accuracy of 99.9" in page.text

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
    shy = _Page(write_report(table))
    assert not shy.all("img")
    assert "--with-faces shows them" in shy.text
    assert "SYNTHETIC" not in shy.text
    out = tmp_path / "elsewhere" / "page.html"
    assert write_report(table, out=out, with_faces=True) == out
    assert _Page(out).all("img")
    assert (tmp_path / "elsewhere" / "page-figures" / "confusion.png").is_file()


class TestByHand:
    def test_a_table_by_hand_is_enough(self, tmp_path: Path) -> None:
        folder = tmp_path / "mine"
        folder.mkdir()
        frame = pd.DataFrame(
            {
                "sample_id": ["a", "b", "c", "d"],
                "label": [0, 0, 1, 1],
                "score_smile": [0.9, 0.2, 0.1, 0.3],
                "score_neutral": [0.1, 0.8, 0.9, 0.7],
            }
        )
        frame.to_parquet(folder / "predictions.parquet")
        page = _Page(write_report(folder))
        assert "75.0\u202f%" in page.text
        assert "No locked protocol" in page.text
        assert "Table written by hand" in page.text
        assert "SYNTHETIC" not in page.text
        single = write_report(folder / "predictions.parquet", out=tmp_path / "one.html")
        assert "75.0\u202f%" in _Page(single).text

    def test_a_folder_without_predictions_is_a_clear_error(self, tmp_path: Path) -> None:
        with pytest.raises(PredictionsError, match=r"no predictions; expected fold\*"):
            write_report(tmp_path)
        with pytest.raises(PredictionsError, match="no such folder"):
            write_report(tmp_path / "nothing")
