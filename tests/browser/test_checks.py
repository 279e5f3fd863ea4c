"""The checks are not blind: each of them finds what is planted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser.chromium import CHECKS, DESK, PAPER, Browser

KINDS = set(re.findall(r'fault\("([^"]+)"', CHECKS))
FAULTY = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>faults</title><style>
  @media print { table { break-inside: auto } }
  .narrow { width: 200px; overflow-x: auto; white-space: nowrap }
  .narrow th { position: sticky; left: 0; min-width: 150px }
</style></head><body>
<h1>One</h1> <h1>Two</h1> <h3>Three</h3> <p id="p">a</p> <p id="p">b</p> <a href="#nowhere">c</a>
<p style="font-size: 8px">too small</p>
<p style="color: #999">too light</p>
<p style="position: absolute; top: 300px; left: 50px">over each other</p>
<p style="position: absolute; top: 305px; left: 60px">one another</p>
<p style="width: 2000px">too wide</p>
<p style="width: 50px; overflow: hidden; white-space: nowrap">cut off on the right</p>
<div class="narrow"><table><tr><th>heading</th><td>a long cell, longer than that</td></tr>
<tr><td>1</td></tr></table></div>
<svg width="10" height="10"></svg>
<img src="http://127.0.0.1:9/missing.png">
<script>console.error("something broke")</script>
</body></html>"""
SOUND = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>sound</title><link rel="icon" href="data:,">
<style>table { break-inside: avoid }</style>
</head><body><main><h1>One</h1><h2>Two</h2>
<table><caption>Numbers</caption>
<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>
<tbody><tr><th scope="row">c</th><td>1</td></tr></tbody></table>
<svg role="img" aria-label="a square" width="40" height="40"><rect width="40" height="40"
fill="#000"/><text x="5" y="20" fill="#fff">x</text></svg></main></body></html>"""


@pytest.fixture
def shown(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Browser:
    page = tmp_path / "page.html"
    page.write_text(request.param, encoding="utf-8")
    browser.open(page, DESK)
    return browser


@pytest.mark.parametrize("shown", [FAULTY], indirect=True, ids=["faulty"])
def test_each_planted_fault_is_found(shown: Browser) -> None:
    found = {*shown.faults(DESK), *shown.faults(PAPER)}
    assert found == KINDS
    assert any("something broke" in message for message in shown.said)
    assert "http://127.0.0.1:9/missing.png" in shown.asked
    assert any("html-has-lang" in violation for violation in shown.violations())


@pytest.mark.parametrize("shown", [SOUND], indirect=True, ids=["sound"])
def test_a_sound_page_has_no_fault(shown: Browser) -> None:
    assert {**shown.faults(DESK), **shown.faults(PAPER)} == {}
    assert shown.said == []
    assert shown.violations() == []
