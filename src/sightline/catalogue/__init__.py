"""Every tag: its unit, its meaning, how to read it, what is healthy, and what is drawn together."""

from sightline.catalogue.advice import Advice, advice, common_names
from sightline.catalogue.bands import band_tags, bands
from sightline.catalogue.dashboards import layout
from sightline.catalogue.layout_json import layout_from_json, layout_to_json
from sightline.catalogue.limits import HealthyRange, Limit
from sightline.catalogue.lookup import (
    FOREIGN,
    RECIPES,
    Row,
    as_markdown,
    describe,
    fields_of,
    fill,
    find,
    rows,
)
from sightline.catalogue.reference import page
from sightline.catalogue.scales import SCALES, Scale, factor

__all__ = [
    "FOREIGN",
    "RECIPES",
    "SCALES",
    "Advice",
    "HealthyRange",
    "Limit",
    "Row",
    "Scale",
    "advice",
    "as_markdown",
    "band_tags",
    "bands",
    "common_names",
    "describe",
    "factor",
    "fields_of",
    "fill",
    "find",
    "layout",
    "layout_from_json",
    "layout_to_json",
    "page",
    "rows",
]
