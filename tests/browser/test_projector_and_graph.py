"""What a person sees in the Projector and Graphs tabs on a run of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sklearn.datasets import load_digits
from torch import nn

from sightline.logger import MetricsLogger
from tests.browser.projector import drawn, open_projector

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

NUM_POINTS, NUM_BLOCKS, WIDTH = 300, 12, 48
STEPS = (0, 500)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = nn.Sequential(nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH))
        self.mlp = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))


class VisionTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, WIDTH, 16, 16)
        self.blocks = nn.ModuleList(Block() for _ in range(NUM_BLOCKS))
        self.head = nn.Linear(WIDTH, 10)


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("runs")
    pixels, digits = load_digits(return_X_y=True)
    pixels, digits = pixels[:NUM_POINTS] / 16, digits[:NUM_POINTS]
    names = [f"picture {index}" for index in range(NUM_POINTS)]
    with MetricsLogger("digits", logs) as logger:
        logger.log_graph(VisionTransformer(), step=0)
        for step in STEPS:
            logger.log_embedding(
                "val/latents & more",
                pixels + step,
                step,
                metadata={"digit": digits, "name": names, "mean": pixels.mean(axis=1)},
                images=pixels.reshape(-1, 8, 8),
            )
    return logs


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    for _ in range(50):
        if is_so():
            return
        page.wait_for_timeout(200)
    assert is_so()


def click_until(page: Page, node: Locator, text: str) -> None:
    """Click a node of the graph, which may still be on its way, until the card tells a text."""

    def is_told() -> bool:
        node.locator(".nodecolortarget").first.dispatch_event("click")
        return page.get_by_text(text).first.is_visible()

    wait_until(page, is_told)


def test_the_projector_draws_thumbnails_and_colours_them_by_a_column(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="projector")
    frame = open_projector(page, NUM_POINTS)
    canvas = frame.locator("canvas").first
    wait_until(page, lambda: drawn(canvas)[0] > 0.01)
    _, coloured_before = drawn(canvas)
    frame.locator("#colorby").click()
    frame.locator("#colorby paper-item", has_text="digit").first.click()
    wait_until(page, lambda: drawn(canvas)[1] > coloured_before + 0.01)
    keep(page)
    num_zeros = int((load_digits().target[:NUM_POINTS] == 0).sum())
    legend = frame.locator("vz-projector-legend")
    assert legend.get_by_text(str(num_zeros), exact=True).count() > 0


def test_the_projector_lets_one_choose_the_step(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="projector")
    frame = open_projector(page, NUM_POINTS)
    menu = frame.locator("paper-dropdown-menu").first
    assert frame.get_by_text("2 tensors found").count() > 0
    menu.click()
    items = menu.locator("paper-item")
    texts = [item.inner_text().split() for item in items.all()]
    assert [text[-2:] for text in texts] == [[f"{step:08d}", f"{NUM_POINTS}x64"] for step in STEPS]
    keep(page)
    with page.expect_response(lambda answer: "/tensor?" in answer.url) as fetched:
        items.nth(1).click()
    assert fetched.value.ok
    assert f"{STEPS[1]:08d}" in fetched.value.url
    frame.get_by_text(f"Points: {NUM_POINTS}").wait_for()


def test_the_graph_opens_from_scopes_to_the_shapes_of_a_layer(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="graphs")

    def node(name: str) -> Locator:
        return page.locator(f"tf-graph-scene g.node[data-name='{name}']").first

    node("head").wait_for()
    shapes = page.locator("tf-graph-scene g.node")
    names = {shape.get_attribute("data-name") for shape in shapes.all()}
    assert names == {"(VisionTransformer)", "patch_embed", "blocks", "head"}
    total = sum(parameter.numel() for parameter in VisionTransformer().parameters())
    click_until(page, node("(VisionTransformer)"), f"{total:,}")
    node("blocks").dblclick(force=True)
    node("blocks/11").wait_for()
    assert {f"blocks/{index}" for index in range(NUM_BLOCKS)} <= {
        shape.get_attribute("data-name") for shape in shapes.all()
    }
    tops = shapes.evaluate_all(  # all at once: the view may still be moving
        "nodes => Object.fromEntries(nodes.map("
        "node => [node.getAttribute('data-name'), node.getBoundingClientRect().y]))"
    )
    heights = [tops[f"blocks/{index}"] for index in range(NUM_BLOCKS)]
    assert heights == sorted(heights, reverse=True)  # data goes up
    page.get_by_text("Fit to screen").first.click()
    node("blocks/3").dblclick(force=True)
    node("blocks/3/norm").wait_for()
    click_until(page, node("blocks/3/norm"), f"{WIDTH} float32")
    keep(page)
