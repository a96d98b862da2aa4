"""What a person sees of each kind of data, page by page, of a run that holds all of them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sightline.logger import MetricsLogger
from sightline.writers import Margin
from tests.browser.chromium import settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

SAMPLE_RATE = 8000
NUM_STEPS = 20
LAYOUT = {
    "loss": {"train and validation": ["loss/train", "loss/val"]},
    "accuracy": [Margin("mean and spread", [("acc/mean", "acc/low", "acc/high")])],
}


CLIP = np.full((8, 48, 64, 3), 40, np.uint8)  # a square that moves to the right
for index, frame in enumerate(CLIP):
    frame[16:32, 6 * index : 6 * index + 16] = (250, 120, 30)


def pyramid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1], [0, 1.5, 0]], np.float32)
    faces = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4], [0, 2, 1], [0, 3, 2]], np.int32)
    colors = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 255, 255]], np.uint8
    )
    return vertices, faces, colors


def hues(picture: Locator) -> set[str]:
    """Which of red, green and blue stand out in what is drawn; grid, axes and texts are grey."""
    pixels = np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB")).astype(int)
    coloured = pixels[pixels.max(axis=-1) - pixels.min(axis=-1) > 60]
    names = np.array(["red", "green", "blue"])[coloured.argmax(axis=-1)]
    return {name for name in set(names) if (names == name).sum() > 50}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs = tmp_path_factory.mktemp("runs")
    generator = np.random.default_rng(0)
    samples = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (60, 120, 180)])
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    labels = generator.random(400) < 0.4
    for name, lr in (("slow", 0.1), ("fast", 0.3)):
        with MetricsLogger(name, logs) as logger:
            logger.log_hparams({"lr": lr, "nesterov": lr > 0.2, "model": {"name": "vit"}})
            logger.log_layout(LAYOUT)
            for step in range(NUM_STEPS):
                loss = np.exp(-lr * step)
                logger.log_metrics(
                    {
                        "loss/train": loss,
                        "loss/val": loss + 0.1,
                        "acc/mean": 1 - loss,
                        "acc/low": 0.8 - loss,
                        "acc/high": 1.2 - loss,
                    },
                    step=step,
                )
                if step % 10 == 0:
                    logger.log_histogram("weights", generator.normal(step / 10, 1, 500), step=step)
            logger.log_images("samples", samples, is_grid=False)
            logger.log_video("clip", CLIP, fps=8)
            logger.log_audio("tone", 0.5 * tone, sample_rate=SAMPLE_RATE)
            logger.log_text("note", "# A heading\n\nsome **bold** text")
            logger.log_table("per class", ("class", "recall"), [("cat", 0.5), ("dog", 0.25)])
            scores = np.clip(labels * 0.4 + generator.random(400) * 0.6, 0, 1)
            logger.log_pr_curve("quality", labels, scores)
            logger.log_mesh("pyramid", *pyramid())
    return logs


def test_the_images_page_plays_the_clip_and_shows_every_sample(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="images")
    images = page.locator("tf-image-loader img")
    images.nth(7).wait_for()
    settle(page)
    keep(page)
    sizes = [
        tuple(image.evaluate("image => [image.naturalWidth, image.naturalHeight]"))
        for image in images.all()
    ]
    assert sorted(sizes) == [(32, 32)] * 6 + [(64, 48)] * 2
    clip = images.nth(sizes.index((64, 48)))
    shown = page.request.get(clip.evaluate("image => image.src"))
    assert shown.headers["content-type"] == "image/gif"
    with Image.open(io.BytesIO(shown.body())) as gif:
        assert (gif.n_frames, gif.info["loop"]) == (len(CLIP), 0)
    first = clip.screenshot()
    give_up = time.monotonic() + 30
    while clip.screenshot() == first:
        assert time.monotonic() < give_up, "the clip does not move"


def test_the_audio_page_can_play_the_tone(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="audio")
    player = page.locator("tf-audio-loader audio").first
    player.wait_for()
    page.wait_for_function(
        """() => {
            const find = root => root.querySelector("audio")
                || [...root.querySelectorAll("*")].map(e => e.shadowRoot && find(e.shadowRoot))
                    .find(Boolean);
            const audio = find(document);
            return audio && audio.duration > 0;
        }"""
    )
    settle(page)
    keep(page)
    assert player.evaluate("audio => audio.duration") == pytest.approx(1.0)


def test_the_text_page_shows_the_text_and_the_table(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="text")
    page.locator("td", has_text="dog").first.wait_for()
    settle(page)
    keep(page)
    assert page.locator("th", has_text="recall").first.is_visible()
    assert page.locator("strong", has_text="bold").first.is_visible()


@pytest.mark.parametrize("tab", ["histograms", "distributions"])
def test_the_histograms_are_drawn(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path], tab: str
) -> None:
    page = page_on(logdir, tab=tab)
    loader = {"histograms": "tf-histogram-dashboard", "distributions": "tf-distribution-dashboard"}
    drawn = page.locator(f"{loader[tab]} svg path")
    drawn.first.wait_for(state="attached")
    settle(page)
    keep(page)
    assert drawn.count() >= 4  # two steps of two runs


def test_the_pr_curves_are_drawn(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="pr_curves")
    page.locator("tf-pr-curve-card").first.wait_for()
    settle(page)
    keep(page)
    assert hues(page.locator("tf-pr-curve-card").first) == {"red", "blue"}  # a run each


def test_the_mesh_is_drawn_in_its_colours(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="mesh")
    canvas = page.locator("tf-mesh-loader canvas").first
    canvas.wait_for()
    settle(page)
    keep(page)
    assert hues(canvas) == {"red", "green", "blue"}


def test_the_hparams_page_has_a_row_for_each_run_and_knows_that_it_ended_well(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="hparams")
    table = page.locator("tf-hparams-table-view")
    cell = table.locator("vaadin-grid-cell-content", has_text="0.30000")
    cell.first.wait_for()
    settle(page)
    keep(page)
    for text in ("fast", "slow", "0.10000", "true", "false", "model.name", "vit", "loss/val"):
        assert table.get_by_text(text, exact=True).first.is_visible(), text
    page.get_by_text("Success").click()
    cell.first.wait_for(state="hidden")


def test_the_custom_scalars_page_draws_the_layout(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="custom_scalars")
    page.get_by_text("Matches (4)").wait_for()  # two tags of two runs
    page.get_by_text("Matches (2)").wait_for()  # a band of each
    settle(page)
    keep(page)
    assert page.get_by_text("train and validation").is_visible()
    for card in ("tf-custom-scalar-multi-line-chart-card", "tf-custom-scalar-margin-chart-card"):
        assert hues(page.locator(card)) == {"red", "blue"}
