import json
from urllib.parse import parse_qs, urlsplit

import pytest

from sightline.board import Card, pinned_url
from sightline.board.links import find_cards

BASE = "http://localhost:6006/"
LISTING = {
    "scalars": {
        "tagDescriptions": {},
        "runTagInfo": {"b": ["loss/total", "both"], "a": ["loss/total"]},
    },
    "histograms": {"tagDescriptions": {}, "runTagInfo": {"b": ["weights/head", "both"]}},
    "images": {
        "tagDescriptions": {},
        "tagRunSampledInfo": {
            "masking/samples": {"b": {"maxSamplesPerStep": 2}, "a": {"maxSamplesPerStep": 1}}
        },
    },
}


def pins(url: str) -> list[dict[str, object]]:
    [value] = parse_qs(urlsplit(url).query)["pinnedCards"]
    cards: list[dict[str, object]] = json.loads(value)
    return cards


def test_a_scalar_card_is_named_by_its_tag_for_all_runs() -> None:
    url = pinned_url(BASE, ["loss/total"], run="digits")
    assert pins(url) == [{"plugin": "scalars", "tag": "loss/total"}]


def test_an_image_card_is_named_by_tag_run_and_sample() -> None:
    url = pinned_url(BASE, [Card("masks", "images", sample=2)], run="sweep/a")
    assert pins(url) == [
        {"plugin": "images", "tag": "masks", "runId": "defaultExperimentId/sweep/a", "sample": 2}
    ]


def test_a_histogram_card_is_named_by_tag_and_its_own_run_first() -> None:
    url = pinned_url(BASE, [Card("weights", "histograms", run="b")], run="a")
    assert pins(url) == [
        {"plugin": "histograms", "tag": "weights", "runId": "defaultExperimentId/b"}
    ]


@pytest.mark.parametrize("plugin", ["images", "histograms"])
def test_a_card_of_one_run_that_names_none_is_refused(plugin: str) -> None:
    with pytest.raises(
        ValueError, match=r"expected a run for the .* card 'x', got none: pass run="
    ):
        pinned_url(BASE, [Card("x", plugin)])  # type: ignore[arg-type]


def test_every_character_of_a_tag_survives_the_url() -> None:
    tag = 'Lösung & "loss" #1?=+%20/é'
    assert pins(pinned_url(BASE, [tag]))[0]["tag"] == tag


def test_the_link_opens_the_time_series_tab_with_the_smoothing() -> None:
    parts = urlsplit(pinned_url("http://localhost:6007", ["loss"], smoothing=0.25))
    assert (parts.netloc, parts.path, parts.fragment) == ("localhost:6007", "/", "timeseries")
    assert parse_qs(parts.query)["smoothing"] == ["0.25"]


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_a_smoothing_out_of_range_is_refused(smoothing: float) -> None:
    with pytest.raises(ValueError, match=r"smoothing in \[0, 0.999\], got"):
        pinned_url(BASE, ["loss"], smoothing=smoothing)


def test_cards_are_found_in_the_asked_order_whatever_they_hold() -> None:
    asked = ["masking/samples", "never/written", "both", "loss/total"]
    assert find_cards(asked, LISTING) == [
        Card("masking/samples", "images", "a"),
        Card("both"),
        Card("both", "histograms", "b"),
        Card("loss/total"),
    ]


def test_cards_of_a_named_run_leave_out_what_it_does_not_have() -> None:
    asked = ["masking/samples", "weights/head", "loss/total"]
    assert find_cards(asked, LISTING, run="b")[0] == Card("masking/samples", "images", "b")
    assert find_cards(asked, LISTING, run="a") == [
        Card("masking/samples", "images", "a"),
        Card("loss/total"),
    ]
