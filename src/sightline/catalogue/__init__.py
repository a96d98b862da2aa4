"""Every tag: its unit, its meaning, how to read it and what is healthy."""

from sightline.catalogue.lookup import Row, as_markdown, describe, find, rows
from sightline.catalogue.reference import page

__all__ = ["Row", "as_markdown", "describe", "find", "page", "rows"]
