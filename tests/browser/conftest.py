from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from sightline import board
from tests.browser.chromium import chromium, executable, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def cannot_start(reason: str) -> NoReturn:
    if os.environ.get("SIGHTLINE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"SIGHTLINE_REQUIRE_BROWSER=1, and {reason}")
    pytest.skip(reason)


# A module at a time: while Playwright runs, no other test of this process could run asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import Error
    except ModuleNotFoundError:
        cannot_start("playwright is not installed")
    if not executable().exists():
        cannot_start(f"there is no Chromium at {executable()}")
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium())
        except Error as error:
            cannot_start(f"Chromium does not start: {error}")
        yield browser


@pytest.fixture(scope="module")
def board_on() -> Iterator[Callable[[Path], board.Board]]:
    """Starts TensorBoard on a log directory, once for all tests of a module."""
    with ExitStack() as stack:

        @cache
        def start(logdir: Path) -> board.Board:
            return stack.enter_context(board.start(logdir, port=0))

        yield start


@pytest.fixture
def page_on(
    browser: Browser, board_on: Callable[[Path], board.Board]
) -> Iterator[Callable[..., Page]]:
    """Opens the real TensorBoard on a log directory: `page_on(logdir, "loss/total", ...)`.

    The tags are pinned; `tab=` opens another tab than Time Series.
    """
    with ExitStack() as stack:

        def open_on(logdir: Path, *tags: str, tab: str = "timeseries") -> Page:
            link = board_on(logdir).link(tags).replace("#timeseries", f"#{tab}")
            page = open_page(browser, link)
            stack.callback(page.close)
            return page

        yield open_on


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Page], Path]:
    """Keeps a screenshot of a page, named after the test, under tests/artifacts."""

    def keep_screenshot(page: Page) -> Path:
        ARTIFACTS.mkdir(exist_ok=True)
        path = ARTIFACTS / f"{request.node.name.removeprefix('test_')}.png"
        page.screenshot(path=path)
        return path

    return keep_screenshot
