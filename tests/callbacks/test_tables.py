"""Every callback's docstring tabulates the tags that it writes, and the catalogue knows them."""

from __future__ import annotations

import re

import pytest

from sightline.callbacks import Callback
from sightline.catalogue import find
from tests.callbacks.tables import CALLBACKS, tags_of


@pytest.mark.parametrize("kind", CALLBACKS, ids=lambda kind: kind.__name__)
def test_the_docstring_tabulates_tags_that_the_catalogue_knows(kind: type[Callback]) -> None:
    tags = tags_of(kind)
    assert tags
    for tag in tags:
        example = re.sub(r"\{[lmi]\}", "0", tag).replace("{name}", "knn_accuracy")
        assert find(example) is not None, tag
