"""A real Chromium, driven by Playwright, that looks at TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> Path:
    """Debian's Chromium, or the one that `SIGHTLINE_CHROMIUM` names."""
    return Path(os.environ.get("SIGHTLINE_CHROMIUM", "/usr/bin/chromium"))


@contextmanager
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, url: str, *, width: int = 1600, height: int = 1000) -> Page:
    """A page on TensorBoard in which the cards have the room, and nothing covers them."""
    page = browser.new_page(viewport={"width": width, "height": height})
    settings = {
        "timeSeriesSettingsPaneOpened": False,
        "stepSelectorEnabled": False,
        "ignoreOutliers": False,
        "sideBarWidthInPercent": 12,
    }
    page.add_init_script(
        f"localStorage.setItem('_tb_global_settings', {json.dumps(json.dumps(settings))})"
    )
    page.goto(url)
    return page


def settle(page: Page) -> None:
    """Wait until every visible card has drawn what it shows."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        """() => [...document.querySelectorAll("mat-spinner")].every(e => !e.offsetParent)
              && [...document.images].every(image => image.complete)"""
    )
    # Two frames: the charts are drawn by a worker, on the frame after their data.
    page.evaluate("() => new Promise(done => requestAnimationFrame("
                  "() => requestAnimationFrame(done)))")  # fmt: skip
