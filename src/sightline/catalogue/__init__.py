"""Every tag: its unit, its meaning, how to read it, what is healthy, and what is drawn together."""

from sightline.catalogue.bands import band_tags, bands
from sightline.catalogue.dashboards import layout
from sightline.catalogue.layout_json import layout_from_json, layout_to_json
from sightline.catalogue.limits import SCALES, HealthyRange, Limit, Scale, factor
from sightline.catalogue.lookup import RECIPES, Row, as_markdown, describe, find, rows
from sightline.catalogue.reference import page

__all__ = [
    "RECIPES",
    "SCALES",
    "HealthyRange",
    "Limit",
    "Row",
    "Scale",
    "as_markdown",
    "band_tags",
    "bands",
    "describe",
    "factor",
    "find",
    "layout",
    "layout_from_json",
    "layout_to_json",
    "page",
    "rows",
]
