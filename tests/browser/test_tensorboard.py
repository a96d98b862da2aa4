"""What a person sees who opens TensorBoard on a run of ours."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sightline.logger import MetricsLogger
from tests.browser.chromium import settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

DESCRIPTION = "Sum of the level losses; falls while the model learns."
LAST_STEP = 299


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("runs")
    pixels = np.random.default_rng(0).random((32, 48, 3))
    with MetricsLogger("digits", logs, describe={"loss/total": DESCRIPTION}.get) as logger:
        for step in range(LAST_STEP + 1):
            logger.log_metrics({"loss/total": math.exp(-step / 90)}, step=step)
        logger.log_image("masks/context", pixels, step=LAST_STEP)
    return logs


def drawn_curve(chart: Locator) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the chart in which a line is drawn, and its height there, in [0, 1]."""
    pixels = np.asarray(Image.open(io.BytesIO(chart.screenshot())).convert("RGB")).astype(int)
    # Grid, axes and labels are grey; the line has the colour of its run.
    coloured = pixels.max(axis=2) - pixels.min(axis=2) > 25
    columns = np.flatnonzero(coloured.any(axis=0))
    rows = [np.flatnonzero(coloured[:, column]).mean() for column in columns]
    return columns / pixels.shape[1], 1 - np.array(rows) / pixels.shape[0]


def test_the_loss_curve_is_drawn_from_the_first_step_to_the_last(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, "loss/total")
    settle(page)
    keep(page)
    columns, heights = drawn_curve(page.locator("metrics-pinned-view .series-view").first)
    assert columns.max() - columns.min() > 0.7
    assert np.diff(columns).max() < 0.02
    tenth = len(heights) // 10
    assert heights[:tenth].mean() > 0.7
    assert heights[-tenth:].mean() < 0.3


def test_the_image_is_loaded_and_shown(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, "masks/context")
    image = page.locator("metrics-pinned-view image-card img")
    image.wait_for()
    settle(page)
    keep(page)
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [48, 32]


def test_the_deep_link_pins_its_cards_in_order(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, "masks/context", "loss/total", "never/written")
    pinned = page.locator("metrics-pinned-view card-view")
    pinned.nth(1).wait_for()
    settle(page)
    keep(page)
    titles = page.locator("metrics-pinned-view card-view tb-truncated-path")
    assert [title.get_attribute("title") for title in titles.all()] == [
        "masks/context",
        "loss/total",
    ]


def test_the_description_stands_behind_the_info_icon(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="scalars")
    page.get_by_title("Show summary description").first.click()
    text = page.get_by_text(DESCRIPTION)
    text.wait_for()
    settle(page)
    keep(page)
    assert text.is_visible()


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
def test_without_a_browser_these_tests_skip_and_fail_where_one_is_required(
    required: str, outcome: str
) -> None:
    one_test = f"{__file__}::test_the_image_is_loaded_and_shown"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", one_test],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "SIGHTLINE_CHROMIUM": "/nowhere/chromium",
            "SIGHTLINE_REQUIRE_BROWSER": required,
        },
    )
    assert "there is no Chromium at /nowhere/chromium" in run.stdout
    assert outcome in run.stdout.splitlines()[-1]
    assert run.returncode == int(required)
