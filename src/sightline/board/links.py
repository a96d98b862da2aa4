"""Deep links into TensorBoard's Time Series tab.

TensorBoard keeps the state of that tab in its URL. A pinned card is named there by plugin and tag;
one that shows a single run (images, histograms) needs the run too, and an image the number of its
sample. A card whose name is not complete is dropped by TensorBoard without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

# TensorBoard prefixes run names with an experiment; a local one has this single experiment.
_EXPERIMENT = "defaultExperimentId"


@dataclass(frozen=True, slots=True)
class Card:
    """One card of the Time Series tab.

    Args:
        tag: the tag that it shows.
        plugin: what the tag holds.
        run: the run that an image or a histogram card shows, as TensorBoard names it (`"."` where
            the event files lie in the log directory itself). A scalar card shows all runs.
        sample: which image of a step, where a step holds several.
    """

    tag: str
    plugin: Literal["scalars", "histograms", "images"] = "scalars"
    run: str | None = None
    sample: int = 0

    def _pin(self, default_run: str | None) -> dict[str, str | int]:
        pin: dict[str, str | int] = {"plugin": self.plugin, "tag": self.tag}
        if self.plugin == "scalars":
            return pin
        run = self.run or default_run
        if run is None:
            raise ValueError(
                f"expected a run for the {self.plugin} card {self.tag!r}, got none: pass run=, as "
                "TensorBoard shows such a card for one run only"
            )
        pin["runId"] = f"{_EXPERIMENT}/{run}"
        if self.plugin == "images":
            pin["sample"] = self.sample
        return pin


def pinned_url(
    base_url: str,
    tags: Iterable[str | Card],
    *,
    run: str | None = None,
    smoothing: float = 0.6,
) -> str:
    """URL that opens TensorBoard with cards pinned to the top, in the given order.

    Args:
        base_url: where TensorBoard answers, such as `http://localhost:6006/`.
        tags: scalar tags, and `Card`s for images and histograms.
        run: the run of each image and histogram card that names none.
        smoothing: of the curves, in [0, 0.999]; 0 draws the values as they are.

    Returns:
        The URL, with everything that needs it percent-encoded.

    Raises:
        ValueError: when an image or histogram card has no run, or `smoothing` is out of range.

    Example:
        >>> from urllib.parse import unquote
        >>> unquote(pinned_url("http://localhost:6006/", ["loss"], smoothing=0))
        'http://localhost:6006/?pinnedCards=[{"plugin":"scalars","tag":"loss"}]&smoothing=0#timeseries'
    """
    if not 0 <= smoothing <= 0.999:
        raise ValueError(f"expected smoothing in [0, 0.999], got {smoothing}: 0.6 is usual")
    cards = [Card(tag) if isinstance(tag, str) else tag for tag in tags]
    pins = json.dumps([card._pin(run) for card in cards], separators=(",", ":"))
    query = f"pinnedCards={quote(pins, safe='')}&smoothing={smoothing:g}"
    return f"{base_url.rstrip('/')}/?{query}#timeseries"


def find_cards(
    tags: Iterable[str], listing: Mapping[str, Any], *, run: str | None = None
) -> list[Card]:
    """Cards for those of the tags that TensorBoard has, whatever they hold.

    Args:
        tags: in the order in which they are to be pinned; unknown ones are passed over.
        listing: TensorBoard's answer to `data/plugin/timeseries/tags`.
        run: the run whose images and histograms are shown; by default the first that has the tag.

    Returns:
        One card for each tag and plugin that has it.
    """
    runs_by_tag: dict[tuple[str, str], list[str]] = {}
    for plugin in ("scalars", "histograms"):
        for name, held in listing[plugin]["runTagInfo"].items():
            for tag in held:
                runs_by_tag.setdefault((plugin, tag), []).append(name)
    for tag, held in listing["images"]["tagRunSampledInfo"].items():
        runs_by_tag["images", tag] = list(held)

    plugins: tuple[Literal["scalars", "histograms", "images"], ...]
    plugins = ("scalars", "histograms", "images")
    cards = []
    for tag in tags:
        for plugin in plugins:
            runs = sorted(runs_by_tag.get((plugin, tag), []))
            if runs and run in (None, *runs):
                cards.append(Card(tag, plugin, None if plugin == "scalars" else run or runs[0]))
    return cards
