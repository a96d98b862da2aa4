"""Takes the README's picture: TensorBoard on a trained run, the curves that matter on top.

python -m tests.browser.screenshot runs docs/tensorboard.png [TAG ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sightline import board
from tests.browser.chromium import chromium, open_page, settle

TAGS = (
    "loss/total",
    "eval/knn_accuracy",
    "collapse/effective_rank",
    "prediction/level0_cosine_sim_mean",
    "masking/samples",
    "ema/momentum_current",
)
WIDTH, HEIGHT = 1600, 1000


def screenshot(logdir: Path, out: Path, tags: tuple[str, ...] = TAGS) -> None:
    """Pin the tags and keep what a window of 1600 x 1000 shows, cut below the last pinned card."""
    with board.start(logdir, port=0) as running, chromium() as browser:
        page = open_page(browser, running.link(tags, smoothing=0), width=WIDTH, height=HEIGHT)
        pinned = page.locator("metrics-pinned-view")
        pinned.locator("card-view").first.wait_for()
        settle(page)
        box = pinned.bounding_box()
        assert box is not None
        page.mouse.move(WIDTH - 1, 1)  # off the charts, which would show a tooltip
        page.screenshot(
            path=out,
            clip={
                "x": 0,
                "y": 0,
                "width": WIDTH,
                "height": min(HEIGHT, box["y"] + box["height"]),
            },
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("logdir", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("tags", nargs="*", default=TAGS)
    chosen = parser.parse_args()
    screenshot(chosen.logdir, chosen.out, tuple(chosen.tags))
