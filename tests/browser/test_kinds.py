"""What a person sees of each kind of data, page by page, of a run that holds all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sightline.logger import MetricsLogger
from sightline.writers import Margin
from tests.browser.chromium import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SAMPLE_RATE = 8000
NUM_STEPS = 20
LAYOUT = {
    "loss": {"train and validation": ["loss/train", "loss/val"]},
    "accuracy": [Margin("mean and spread", [("acc/mean", "acc/low", "acc/high")])],
}


def moving_square(num_frames: int = 8) -> np.ndarray:
    frames = np.full((num_frames, 48, 64, 3), 40, np.uint8)
    for index, frame in enumerate(frames):
        frame[16:32, 6 * index : 6 * index + 16] = (250, 120, 30)
    return frames


def pyramid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices = np.array(
        [[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1], [0, 1.5, 0]], np.float32
    )
    faces = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4], [0, 2, 1], [0, 3, 2]], np.int32)
    colors = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 255, 255]], np.uint8
    )
    return vertices, faces, colors


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
            logger.log_video("clip", moving_square(), fps=8)
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
    # What the page shows is a GIF of all frames, as the browser got it.
    starts = page.evaluate(
        """() => Promise.all([...document.querySelectorAll("*")].map(() => 0)).then(() => 0)"""
    )
    assert starts == 0


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
    assert drawn.count() >= 3


def test_the_pr_curves_are_drawn(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="pr_curves")
    page.locator("tf-pr-curve-card").first.wait_for()
    settle(page)
    keep(page)
    curves = page.locator("tf-pr-curve-card svg path")
    assert curves.count() >= 2


def test_the_mesh_is_drawn(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="mesh")
    page.locator("tf-mesh-loader canvas").first.wait_for()
    settle(page)
    keep(page)


def test_the_hparams_page_has_a_row_for_each_run_with_its_status(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="hparams")
    page.locator("tf-hparams-dashboard").get_by_text("model.name").first.wait_for()
    settle(page)
    keep(page)


def test_the_custom_scalars_page_draws_the_layout(
    logdir: Path, page_on: Callable[..., Page], keep: Callable[[Page], Path]
) -> None:
    page = page_on(logdir, tab="custom_scalars")
    page.get_by_text("train and validation").first.wait_for()
    settle(page)
    keep(page)
