"""Texts."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Text(Value):
    """A text.

    Args:
        markdown: The text.
    """

    markdown: str

    def __post_init__(self) -> None:
        if not isinstance(self.markdown, str):
            raise TypeError(
                f"expected a text, got {type(self.markdown).__name__}; pass it through str"
            )
