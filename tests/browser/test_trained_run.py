"""What a newcomer sees who trains and then opens TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sightline.catalogue import find
from sightline.cli.board import PINNED
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import load_config
from tests.browser.chromium import settle
from tests.hjepa.conftest import TINY

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("runs")
    settings = ("training.epochs=8", f"logging.log_dir={logs}", "logging.experiment_name=tiny")
    HJEPATrainer.from_config(load_config(HJEPAConfig, None, (*TINY, *settings))).train()
    return logs


def test_the_pinned_cards_of_a_trained_run_show_curves_and_masks(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, *PINNED)
    masks = page.locator("metrics-pinned-view image-card img")
    masks.wait_for()
    settle(page)
    keep(page)
    titles = page.locator("metrics-pinned-view card-view tb-truncated-path")
    assert [title.get_attribute("title") for title in titles.all()] == list(PINNED)
    assert masks.evaluate("image => image.naturalWidth") > 100
    curves = page.locator("metrics-pinned-view scalar-card")
    assert curves.count() == 3


def test_the_catalogue_stands_behind_the_info_icon_of_a_trained_run(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="scalars")
    page.get_by_title("Show summary description").first.click()
    row = find("collapse/effective_rank")  # the first group that is open, and its first tag
    assert row is not None
    first_words = " ".join(row.meaning.split()[:6])
    text = page.get_by_text(first_words)
    text.wait_for()
    settle(page)
    keep(page)
    assert text.is_visible()
