"""Which names a value may have."""

from __future__ import annotations

import unicodedata

# Control characters, and halves of UTF-16 pairs, which no file can hold.
ILLEGAL_CATEGORIES = {"Cc", "Cs"}


def check_tag(tag: object) -> None:
    """Refuse a tag that TensorBoard cannot show, and propose one that it can.

    Slashes group charts. Nothing is ever renamed silently.

    Args:
        tag: The name of a value.

    Raises:
        TypeError: If the tag is not text.
        ValueError: If it is empty, begins with a slash or holds control characters.

    Example:
        >>> check_tag("loss/total")
        >>> check_tag("/loss")
        Traceback (most recent call last):
        ValueError: expected a tag that does not begin with a slash, got '/loss'; use 'loss'
    """
    if not isinstance(tag, str):
        raise TypeError(f"expected a tag that is text, got {tag!r}; use {str(tag)!r}")
    if not tag.lstrip("/"):
        expected = "that is not empty"
    elif any(unicodedata.category(character) in ILLEGAL_CATEGORIES for character in tag):
        expected = "without control characters"
    elif tag.startswith("/"):
        expected = "that does not begin with a slash"
    else:
        return
    raise ValueError(f"expected a tag {expected}, got {tag!r}; use {_legal(tag)!r}")


def _legal(tag: str) -> str:
    visible = "".join(
        "_" if unicodedata.category(character) in ILLEGAL_CATEGORIES else character
        for character in tag
    )
    return visible.lstrip("/") or "value"
