from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from browser.chromium import Browser, find_chromium, start
from report_fixtures import make_run as make_run


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests; skips where it is missing, unless it must be there."""
    found = find_chromium()
    if found is None:
        reason = "no chromium with chromedriver: scripts/install_chromium.sh"
        if os.environ.get("FERTOOLS_NEEDS_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    driver = start(*found, tmp_path_factory.mktemp("profile"))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
