"""A headless Chromium that opens a page, measures it and notes what it says and asks for."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHECKS = (Path(__file__).parent / "page_checks.js").read_text(encoding="utf-8")
AXE = Path(find_spec("axe_core_python").origin).parent / "axe.min.js"
HEIGHT = 900


@dataclass(frozen=True)
class Screen:
    """How a page is shown: width in CSS pixels, colour scheme, and on paper or not."""

    width: int = 1400
    scheme: str = "light"
    media: str = "screen"
    smallest_text: float = 11.0


DESK = Screen(1400)
PAPER = Screen(718, "dark", "print", smallest_text=8.0)  # A4 less Chromium's margins; 8 px: 6 pt
SCREENS = {
    "phone": Screen(390),
    "desk": DESK,
    "phone, dark": Screen(390, "dark"),
    "desk, dark": Screen(1400, "dark"),
    "paper": PAPER,
}


@dataclass
class Browser:
    """A Chromium that writes down what a page says and asks for."""

    driver: Chrome
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def open(self, page: Path, screen: Screen) -> None:
        """Load a page; ``asked`` then holds the addresses it wanted, ``said`` the console."""
        self._read_logs()
        self.show(screen)
        self.driver.get(page.resolve().as_uri())
        self.said, self.asked = self._read_logs()

    def show(self, screen: Screen, *, height: int = HEIGHT) -> None:
        """Lay the open page out anew."""
        scheme = {"name": "prefers-color-scheme", "value": screen.scheme}
        self.command("Emulation.setEmulatedMedia", media=screen.media, features=[scheme])
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=screen.width,
            height=height,
            deviceScaleFactor=1,
            mobile=screen.width < 600,
        )

    def faults(self, screen: Screen) -> dict[str, list[str]]:
        """What page_checks.js finds wrong with the open page on a screen as high as the page."""
        self.show(screen)
        height = self.run("return document.documentElement.scrollHeight")
        self.show(screen, height=height)
        found: dict[str, list[str]] = self.run(CHECKS, screen.smallest_text)
        return found

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the open page; contrast is a fault of its own."""
        self.run(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.driver.execute_async_script(
            """
            const done = arguments[0];
            const options = {rules: {"color-contrast": {enabled: false}}};
            axe.run(document, options).then((result) => done(
              result.violations.map(({id, help, nodes}) => `${id}: ${help}: ${nodes[0].html}`)));
            """
        )
        return found

    def press_tab(self) -> None:
        """Press the tabulator where the focus is."""
        self.command(
            "Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", windowsVirtualKeyCode=9
        )

    def run(self, script: str, *values: Any) -> Any:
        """Run the body of a function in the page."""
        return self.driver.execute_script(script, *values)

    def command(self, name: str, **values: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol."""
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(name, values)
        return answer

    def _read_logs(self) -> tuple[list[str], list[str]]:
        """Console messages and requested addresses since the last call."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        events = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return said, asked


def find_chromium() -> tuple[str, str] | None:
    """Debian's Chromium and its driver, or nothing."""
    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    return None if chromium is None or driver_path is None else (chromium, driver_path)


def start(chromium: str, driver_path: str, profile: Path) -> Chrome:
    """Start Chromium; both paths are given, so that Selenium looks for nothing to download."""
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",  # root, as in most containers, has none; the pages are our own
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return Chrome(options=options, service=Service(driver_path))
