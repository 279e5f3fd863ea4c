"""The report as a reader meets it: opened in Chromium, on a phone, a desk and paper."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser.chromium import DESK, PAPER, SCREENS, Browser
from typer.testing import CliRunner

from cli.fertools_app import app
from fertools.metrics import read_predictions, score_columns, write_predictions

FOCUS = """
const element = document.activeElement, style = getComputedStyle(element);
const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
return [element === document.body ? -1 : stops.indexOf(element), isSeen, element.outerHTML];
"""
STOPS = """
window.stops = [...document.querySelectorAll("a[href], summary, button, input, select, [tabindex]")]
  .filter((element) => element.tabIndex >= 0 && element.checkVisibility());
return stops.map((element) => element.outerHTML.slice(0, 80));
"""


def write_other_run(run: Path, folder: Path) -> Path:
    """A copy of a run whose model mistakes other pictures."""
    shutil.copytree(run, folder)
    for path in sorted(folder.glob("fold*/predictions.parquet")):
        table = read_predictions(path)
        columns, frame = score_columns(table.info.classes), table.frame.copy()
        wrong = np.arange(len(frame)) % 4 == 0
        frame.loc[wrong, columns] = np.roll(frame.loc[wrong, columns].to_numpy(), 1, axis=1)
        write_predictions(path, frame, replace(table.info, model="another_model_with_a_long_name"))
    return folder


def write_by_hand(folder: Path) -> Path:
    """What pandas writes for somebody else's model: odd names, six views, nothing on people."""
    folder.mkdir()
    names = ["anger", "a very long name of an expression", "<i>fear</i> & co", "contempt"]
    names += ["Überraschung_ohne_jedes_Leerzeichen", "happiness", "neutral", "sadness"]
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(len(names)), 480)
    frame = pd.DataFrame(scores, columns=[f"score_{name}" for name in names])
    number = np.arange(480)
    frame["sample_id"] = [f"picture {n}" for n in number]
    frame["label"] = number % len(names)
    frame["yaw_deg"], frame["pitch_deg"] = number // 8 % 3 * 30.0, number // 24 % 2 * 15.0
    frame["view_id"] = [
        f"view {yaw:.0f} {pitch:.0f}"
        for yaw, pitch in zip(frame["yaw_deg"], frame["pitch_deg"], strict=True)
    ]
    frame["found"] = rng.random(480) > 0.05
    frame.to_parquet(folder / "predictions.parquet")
    return folder


@pytest.fixture(scope="module")
def runs(
    browser: Browser, make_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Path]]:
    """What each kind of page is about; needs the browser, so that nothing is made in vain."""
    folder, run = tmp_path_factory.mktemp("runs"), make_run("browser")
    return {
        "one run": [run],
        "several runs": [run, write_other_run(run, folder / "other")],
        "by hand": [write_by_hand(folder / "hand")],
    }


@pytest.fixture(scope="module", params=["one run", "several runs", "by hand"])
def page(request: pytest.FixtureRequest, browser: Browser, runs: dict[str, list[Path]]) -> Path:
    """Each kind of page in turn, open in the browser."""
    paths = runs[request.param]
    page = paths[-1].parent / f"{request.param}.html"
    result = CliRunner().invoke(app, ["report", *map(str, paths), "--out", str(page)])
    assert result.exit_code == 0, result.exception
    browser.open(page, DESK)
    return page


class TestEveryPage:
    def test_the_console_stays_empty(self, page: Path, browser: Browser) -> None:
        assert browser.said == []

    def test_nothing_is_asked_for_but_the_file(self, page: Path, browser: Browser) -> None:
        others = {address for address in browser.asked if not address.startswith("data:")}
        assert others == {page.resolve().as_uri()}

    @pytest.mark.parametrize("screen", list(SCREENS))
    def test_it_can_be_read(self, page: Path, browser: Browser, screen: str) -> None:
        assert browser.faults(SCREENS[screen]) == {}

    def test_tables_are_tables(self, page: Path, browser: Browser) -> None:
        assert browser.run("return document.querySelectorAll('table').length") >= 3
        assert browser.run("return document.documentElement.lang") == "en"
        assert browser.run("return document.title")

    def test_every_stop_is_reached_by_tab_and_seen(self, page: Path, browser: Browser) -> None:
        browser.open(page, DESK)  # so that the focus is nowhere yet
        stops = browser.run(STOPS)
        assert stops
        for number, stop in enumerate(stops):
            browser.press_tab()
            reached, is_seen, element = browser.run(FOCUS)
            assert reached == number, f"{stop} is not reached, but {element[:80]}"
            assert is_seen, stop

    def test_paper_is_white_and_takes_the_whole_page(self, page: Path, browser: Browser) -> None:
        browser.show(PAPER)
        colour = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(255, 255, 255)"
        pdf = base64.b64decode(browser.command("Page.printToPDF", paperWidth=8.27)["data"])
        assert pdf.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 1

    def test_axe_finds_no_violation(self, page: Path, browser: Browser) -> None:
        browser.show(DESK)
        assert browser.violations() == []
