"""The dashboards of the catalogue, as TensorBoard draws them from what a run has logged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sightline.catalogue import bands, layout
from sightline.events import Margin
from sightline.logger import MetricsLogger
from tests.browser.chromium import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SHADED = {"num_samples": 128, "width": 64}
DASHBOARDS = layout("hjepa", num_levels=2, modules=["predictor"])
COLLAPSE = next(one for one in DASHBOARDS if one.title == "Collapse")
MISMATCH = "steps for value, lower, and upper tags do not match"


def write_run(logs: Path, *, band_steps: set[int]) -> None:
    curves = {
        "input/pixel_std": 1.0,
        "train/context_std": 1.0,
        "train/target_std": 0.9,
        "collapse/effective_rank": 30.0,
        "collapse/mean_std_per_dim": 0.1,
        "collapse/mean_similarity": 0.2,
    }
    with MetricsLogger("run", logs) as logger:
        logger.log_layout([COLLAPSE])
        for step in range(20):
            values = {tag: value + step / 200 for tag, value in curves.items()}
            edges = bands(values, **SHADED) if step in band_steps else {}
            logger.log_metrics(values | edges, step=step)


def in_reading_order(page: Page, titles: list[str]) -> list[str]:
    def place(title: str) -> tuple[float, float]:
        box = page.get_by_text(title, exact=True).bounding_box()
        assert box is not None
        return box["y"], box["x"]

    return sorted(titles, key=place)


def test_ranges_are_shaded_in_the_order_of_the_dashboard(
    tmp_path: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    write_run(tmp_path, band_steps=set(range(20)))
    page = page_on(tmp_path, tab="custom_scalars")
    page.get_by_text("Matches (1)").nth(2).wait_for()  # a curve in each of the shaded charts
    settle(page)
    keep(page)
    titles = [
        "Deviation: pixels, context and target",
        "Effective rank",
        "Deviation of a dimension",
        "Similarity of different images",
    ]
    assert in_reading_order(page, titles) == titles
    assert page.get_by_text(MISMATCH).count() == 0
    assert page.get_by_text("Missing Tags").count() == 0


def test_a_range_at_other_steps_than_its_curve_is_not_drawn(
    tmp_path: Path, page_on: Callable[..., Page]
) -> None:
    write_run(tmp_path, band_steps={0, 19})
    page = page_on(tmp_path, tab="custom_scalars")
    shaded = [chart for chart in COLLAPSE.charts if isinstance(chart, Margin)]
    page.get_by_text(MISMATCH).nth(len(shaded) - 1).wait_for()
    settle(page)
    assert page.get_by_text(MISMATCH).count() == len(shaded)
