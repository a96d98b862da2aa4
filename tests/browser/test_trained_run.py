"""What a newcomer sees who trains and then opens TensorBoard."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest

from sightline.catalogue import find, layout, rows
from sightline.cli.board import PINNED
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import load_config
from tests.browser.chromium import settle
from tests.browser.projector import drawn, open_projector
from tests.hjepa.conftest import TINY

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

NUM_LEVELS, NUM_HELD_OUT = 3, 360
WITHOUT_GPU = {
    "performance/gpu_memory_allocated_gb",
    "performance/gpu_memory_reserved_gb",
}
SETTINGS = (
    "model.depth=2",
    "training.epochs=8",
    "evaluation.eval_frequency=2",
    "logging.experiment_name=tiny",
    "logging.monitor_frequency=3",
    "logging.gradient_frequency=4",
    "logging.quality_frequency=10",
    "logging.histogram_frequency=10",
    "logging.figure_frequency=20",
    "logging.system_seconds=0.2",
)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("runs")
    config = load_config(HJEPAConfig, None, (*TINY, *SETTINGS, f"logging.log_dir={logs}"))
    HJEPATrainer.from_config(config).train()
    return logs


def answer(page: Page, plugin: str) -> Any:
    """What TensorBoard's own backend says."""
    return page.request.get(urljoin(page.url, f"/data/plugin/{plugin}")).json()


def groups(page: Page) -> list[Locator]:
    """The groups of a page of cards, all of them open."""
    heading = page.locator("tf-category-paginated-view .heading")
    heading.first.wait_for()
    settle(page)
    found = page.locator("tf-category-paginated-view", has=page.locator("*"))
    members = [one for one in found.all() if one.locator(".heading").count()]
    for one in members:
        if not one.locator("iron-collapse.iron-collapse-opened").count():
            one.locator(".heading").click()
    settle(page)
    return members


def shown(page: Page, cards: Locator, count: int) -> list[Locator]:
    """The cards, once there are as many as there should be."""
    give_up = time.monotonic() + 20
    while cards.count() < count and time.monotonic() < give_up:
        page.wait_for_timeout(100)
    settle(page)
    return cards.all()


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
    row = find(page.locator("tf-card-heading .heading-label.name").first.inner_text())
    assert row is not None
    first_words = " ".join(row.meaning.split()[:6])
    text = page.get_by_text(first_words)
    text.wait_for()
    settle(page)
    keep(page)
    assert text.is_visible()


def test_all_dashboards_of_a_trained_run_show_all_their_curves(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="custom_scalars")
    dashboards = groups(page)
    written = set(answer(page, "scalars/tags")["tiny"])
    declared: dict[str, list[str]] = {}
    for category in answer(page, "custom_scalars/layout")["category"]:
        for chart in category["chart"]:
            series = chart.get("margin", {}).get("series", [])
            names = chart.get("multiline", {}).get("tag", [one.get("value") for one in series])
            edges = [one[edge] for one in series for edge in ("lower", "upper")]
            for tag in map(unescaped, edges):
                assert tag in written
            declared[chart["title"]] = list(map(unescaped, names))
    assert {tag for tags in declared.values() for tag in tags} - written == WITHOUT_GPU

    titles = [one.locator(".category-name").inner_text() for one in dashboards]
    assert titles == [one.title for one in layout("hjepa")]
    seen = {}
    for one in dashboards:
        one.scroll_into_view_if_needed()
        cards = one.locator(
            "tf-custom-scalar-multi-line-chart-card, tf-custom-scalar-margin-chart-card"
        )
        for card in cards.all():
            title = card.locator(".heading-label").first.inner_text()
            curves = card.locator(".line-plot:not(.ghost) path.line:not([fill-opacity])")
            there = [tag for tag in declared[title] if tag in written]
            shown(page, curves, len(there))
            widths = curves.evaluate_all("curves => curves.map(curve => curve.getBBox().width)")
            assert len(widths) == len(there) > 0, title
            assert min(widths) > 50, title  # of the 280 pixels of a chart: more than one point
            labels = card.locator(".y-axis .tick-label").evaluate_all(
                "texts => texts.filter(text => getComputedStyle(text).visibility == 'visible')"
                ".map(text => text.textContent)"
            )
            # How little the memory of the test process moves is not a matter of the chart.
            if not title.startswith("Memory"):
                assert len(set(labels)) == len(labels) > 2, f"{title} has {labels} on its axis"
            seen[title] = len(widths)
    keep(page)
    assert set(seen) == set(declared)
    assert page.get_by_text("Missing Tags").count() == 0
    assert page.get_by_text("do not match").count() == 0


def unescaped(pattern: str) -> str:
    """The tag that a pattern of a layout stands for."""
    return re.sub(r"\\(.)", r"\1", pattern.removesuffix("$"))


def test_every_figure_of_the_catalogue_is_a_picture_on_the_images_page(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="images")
    declared = {
        row.tag.replace("{l}", str(level))
        for row in rows()
        for level in range(NUM_LEVELS)
        if row.kind == "image"
    }
    assert len(declared) > 10
    groups(page)
    found = {}
    for card in shown(page, page.locator("tf-image-loader"), len(declared)):
        picture = card.locator("img")
        picture.scroll_into_view_if_needed()
        settle(page)
        tag = card.locator(".heading-label.name").inner_text()
        found[tag] = picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
    keep(page)
    assert set(found) == declared
    assert all(width > 100 for width in found.values()), found


@pytest.mark.parametrize(
    ("tab", "kind", "shape"),
    [
        ("histograms", "histogram", "svg .histogram path"),
        ("distributions", "distribution", "svg path.area"),
    ],
)
def test_the_histograms_of_a_trained_run_are_drawn(
    tab: str,
    kind: str,
    shape: str,
    logdir: Path,
    page_on: Callable[..., Page],
    keep: Callable[[Page], Path],
) -> None:
    page = page_on(logdir, tab=tab)
    names = []
    for one in groups(page):
        names.append(one.locator(".category-name").inner_text())
        one.scroll_into_view_if_needed()
        card = one.locator(f"tf-{kind}-loader").first
        card.scroll_into_view_if_needed()
        shapes = shown(page, card.locator(shape), 2)
        sizes = [part.evaluate("part => part.getBBox().width") for part in shapes]
        assert sum(size > 20 for size in sizes) >= 2, names[-1]
    keep(page)
    assert names == ["collapse", "gradients", "prediction", "weights"]


def test_the_text_page_of_a_trained_run_has_its_tables(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="text")
    groups(page)
    cells = page.locator("tf-text-loader td")
    shown(page, cells, 50)
    keep(page)
    texts = cells.all_inner_texts()
    table = dict(zip(texts[::2], texts[1::2], strict=False))
    assert table["model.embed_dim"] == "16"
    assert {"python", "device", "context_encoder", "target_encoder", "predictor"} <= set(texts)


def test_the_graphs_page_of_a_trained_run_shows_its_parts(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="graphs")
    nodes = page.locator("tf-graph-scene g.node")
    shown(page, nodes, 6)
    keep(page)
    assert {node.get_attribute("data-name") for node in nodes.all()} == {
        "(HJEPAModel)",
        "context_encoder",
        "target_encoder",
        "predictor",
        "fusion",
        "heads",
    }


def test_the_hparams_page_has_a_row_of_the_trained_run(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="hparams")
    cells = page.locator("tf-hparams-table-view vaadin-grid-cell-content")
    cells.get_by_text("tiny", exact=True).first.wait_for()
    settle(page)
    keep(page)
    for text in (
        "tiny",
        "checkpoint.save_frequency",
        "1.0000",
        "data.augmentation.horizontal_flip",
    ):
        assert cells.get_by_text(text, exact=True).count() > 0, text


def test_the_projector_shows_the_held_out_images_of_a_trained_run(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="projector")
    frame = open_projector(page, NUM_HELD_OUT)
    canvas = frame.locator("canvas").first
    give_up = time.monotonic() + 20
    while drawn(canvas)[0] < 0.01:
        assert time.monotonic() < give_up, "the thumbnails are not drawn"
        page.wait_for_timeout(200)
    keep(page)
    frame.locator("#colorby").click()
    frame.locator("#colorby paper-item", has_text="label").first.click()
    legend = frame.locator("vz-projector-legend .item .label")
    assert sorted(legend.all_inner_texts()) == list("0123456789")
