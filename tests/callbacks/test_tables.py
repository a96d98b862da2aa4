"""Every callback's docstring tabulates the tags that it writes, and the catalogue knows them."""

from __future__ import annotations

import re

import pytest

import sightline.callbacks
from sightline.callbacks import Callback
from sightline.catalogue import find

CALLBACKS = [
    kind
    for name in sightline.callbacks.__all__
    if isinstance(kind := getattr(sightline.callbacks, name), type)
    and issubclass(kind, Callback)
    and name not in {"Callback", "CallbackList", "ProgressBarCallback"}
]


def tags_of(kind: type[Callback]) -> list[str]:
    return re.findall(r"^    \| `([^`]+)` \|", kind.__doc__ or "", re.MULTILINE)


@pytest.mark.parametrize("kind", CALLBACKS, ids=lambda kind: kind.__name__)
def test_the_docstring_tabulates_tags_that_the_catalogue_knows(kind: type[Callback]) -> None:
    tags = tags_of(kind)
    assert tags
    for tag in tags:
        example = tag.replace("{l}", "0").replace("{name}", "knn_accuracy")
        assert find(example) is not None, tag
