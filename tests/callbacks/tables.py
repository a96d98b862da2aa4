"""The tables of tags in the docstrings of callbacks."""

from __future__ import annotations

import re

import sightline.callbacks
from sightline.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    Monitor,
    ProgressBarCallback,
)

WRITE_NOTHING = {Callback, CallbackList, EarlyStopping, Monitor, ProgressBarCallback}

CALLBACKS = [
    kind
    for name in sightline.callbacks.__all__
    if isinstance(kind := getattr(sightline.callbacks, name), type)
    and issubclass(kind, Callback)
    and kind not in WRITE_NOTHING
]


def tags_of(kind: type[Callback]) -> list[str]:
    """The tags that the docstring says are written, with fields such as {l}."""
    return re.findall(r"^    \| `([^`]+)` \|", kind.__doc__ or "", re.MULTILINE)


def matches(documented: str, tag: str) -> bool:
    """Whether a tag is of a documented family."""
    pattern = re.sub(r"\\\{[lmi]\\\}", r"\\d+", re.escape(documented))
    pattern = re.sub(r"\\\{\w+\\\}", ".+", pattern)
    return re.fullmatch(pattern, tag) is not None
