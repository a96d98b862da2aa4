"""The pictures of the concept pages: no word is cut off, whatever the runs say."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from sightline.diagnostics import LossPlane
from sightline.hjepa import HJEPAConfig, create_model, load_images

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MODULES = [path.stem for path in FOLDER.glob("[!_]*.py")]
LONGEST = "the generator of the masks is seeded anew at each of the steps"


class UntrainedRun:
    """In place of a run: a model as it is born, and a curve of noise for each tag."""

    def __init__(self, model: Any, seed: int) -> None:
        watcher = SimpleNamespace(coverage_HW=np.ones((8, 8)))
        self.trainer = SimpleNamespace(model=model, callbacks=[watcher])
        self.rng = np.random.default_rng(seed)

    def __getitem__(self, tag: str) -> tuple[Any, Any]:
        return np.arange(0.0, 400, 10), self.rng.lognormal(size=40)

    def last(self, tag: str) -> float:
        return float(self[tag][1][-1])


@pytest.fixture(scope="module")
def script() -> Iterator[dict[str, ModuleType]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        runs = importlib.import_module("runs")
        config = HJEPAConfig.model_validate(runs.BASE)
        torch.manual_seed(config.seed)
        model = create_model(config, load_images(config.data)[0])
        patch.setattr(runs, "result", lambda name: UntrainedRun(model, len(name)))
        seeded = torch.Generator().manual_seed(0)
        noise = torch.randint(256, (200, 1, 8, 8), generator=seeded).to(torch.uint8)
        patch.setattr(runs, "digits", lambda: noise)
        modules = {name: importlib.import_module(name) for name in MODULES}
        line = np.linspace(-1, 1, 13)
        plane = LossPlane(1.0 + line**2 + line[:, None] ** 2, line, line)
        patch.setattr(modules["training"], "around", lambda run: plane)
        yield modules
    for name in MODULES:
        sys.modules.pop(name)


@pytest.mark.parametrize("page", sorted(path.stem for path in FOLDER.parent.glob("concepts/*.png")))
def test_every_word_of_a_picture_is_on_it(page: str, script: dict[str, ModuleType]) -> None:
    figure = script["pages"].PAGES[page]()
    assert len(script["legible"].words(figure)) > 3
    assert script["legible"].cut_off(figure) == []


def test_a_long_name_gets_a_row_of_its_own(script: dict[str, ModuleType]) -> None:
    figure, _ = script["drawing"].sheet(["loss", "rank"], LONGEST)
    assert script["legible"].cut_off(figure) == []
    with pytest.raises(ValueError, match="shorten it"):
        script["drawing"].sheet(["loss", "rank"], 2 * LONGEST)


def test_what_cannot_be_read_is_found(script: dict[str, ModuleType]) -> None:
    figure, (_, right) = script["drawing"].sheet(["loss", "rank"], "high rate")
    for x, text in ((790, "beyond the edge"), (400, "one over"), (410, "the other")):
        figure.text(x / 800, 0.5, text)
    right.set_xlim(0.1, 0.9)
    legible = script["legible"]
    assert legible.cut_off(figure) == ["beyond the edge"]
    assert ("one over", "the other") in legible.crossing(figure)


def test_the_pictures_keep_the_colours_of_the_runs() -> None:
    from PIL import Image

    sick, healthy = (213, 94, 0), (0, 114, 178)
    for page in ("collapse", "masks", "spectrum", "throughput"):
        with Image.open(FOLDER.parent / "concepts" / f"{page}.png") as picture:
            colours = {c for _, c in picture.convert("RGB").getcolors(1 << 20) or ()}
        assert {sick, healthy} <= colours, page
