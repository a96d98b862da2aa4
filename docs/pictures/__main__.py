"""Draw the pictures of the concept pages: `python docs/pictures [NAME ...]`.

Every picture shows a healthy and a sick run of our own trainer, so that a page never claims what
its number does not do. Three minutes on two slow cores for all of them.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import torch
from PIL import Image

from legible import crossing, cut_off
from pages import PAGES

FOLDER = Path(__file__).parents[1] / "concepts"


def main(names: list[str]) -> None:
    """Draw some pictures, or all, into the folder of the pages.

    Args:
        names: Names of pages, without their ending.
    """
    unknown = [name for name in names if name not in PAGES]
    if unknown:
        sys.exit(f"expected names of pages, got {unknown}; known are {', '.join(PAGES)}")
    torch.set_num_threads(1)
    for name in names or PAGES:
        print(name)
        figure = PAGES[name]()
        if lost := [*cut_off(figure), *crossing(figure)]:
            sys.exit(f"expected words that can be read in {name}, got {lost}; move or shorten them")
        buffer = io.BytesIO()
        figure.savefig(buffer)
        # Few colours for a small file; by coverage, so that a thin line keeps its own.
        picture = (
            Image
            .open(buffer)
            .convert("RGB")
            .quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        )
        picture.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
