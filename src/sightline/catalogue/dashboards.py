"""Dashboards of the Custom Scalars page, made from data and the shape of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from sightline.catalogue.bands import band_tags
from sightline.catalogue.lookup import FIELD, RECIPES, find, read_data
from sightline.events import Category, Margin, Multiline


def layout(
    recipe: str = "common",
    *,
    num_levels: int = 1,
    modules: Sequence[str] = (),
    blocks: Sequence[str] = (),
    num_param_groups: int = 1,
    with_bands: bool = True,
) -> tuple[Category, ...]:
    """The dashboards of a recipe, for `MetricsLogger.log_layout`.

    TensorBoard finds curves of a layout by exact name, so the run's levels and modules must be
    known. Two runs with another number of levels show the charts of both.

    Args:
        recipe: whose tags are drawn beside those of every trainer: `common` for no others.
        num_levels: levels of the hierarchy.
        modules: names under `gradients/` and `updates/`.
        blocks: names under `gradients/layer_ratio/`.
        num_param_groups: parameter groups of the optimizer.
        with_bands: whether healthy ranges are shaded. They must be logged then, as `bands` has
            them; a chart whose ranges are not there stays empty.

    Returns:
        Categories; a chart without a curve, or a category without a chart, is left out.

    Raises:
        ValueError: if there is no such recipe.

    Example:
        >>> dashboards = layout("hjepa", num_levels=3, modules=["context_encoder", "predictor"])
        >>> [dashboard.title for dashboard in dashboards][:5]
        ['Loss', 'EMA', 'Masking', 'Hierarchy', 'Prediction']
        >>> dashboards[0].charts[1].tags
        ('loss/h0', 'loss/h1', 'loss/h2')
    """
    if recipe not in RECIPES:
        raise ValueError(f"expected a recipe among {', '.join(RECIPES)}, got {recipe!r}; use one")
    members: dict[str, Sequence[object]] = {
        "l": range(num_levels),
        "m": range(num_levels),
        "i": range(num_param_groups),
        "module": modules,
        "name": blocks,
    }
    categories = []
    for title, specs in read_data("dashboards.yaml").items():
        charts = [_chart(spec, {"common", recipe}, members, with_bands) for spec in specs]
        plain = [chart for chart in charts if isinstance(chart, Multiline)]
        shaded = [chart for chart in charts if isinstance(chart, Margin)]
        if plain or shaded:
            # TensorBoard 2.21 shows the plain charts first and the shaded ones last to first.
            # Once it keeps the order of the layout, so can this line.
            categories.append(Category(title, (*plain, *reversed(shaded))))
    return tuple(categories)


def _chart(
    spec: Mapping[str, Any],
    recipes: set[str],
    members: Mapping[str, Sequence[object]],
    with_bands: bool,
) -> Multiline | Margin | None:
    """One chart; None if this run has none of its curves."""
    series = [
        curve
        for templates in _series(spec)
        for curve in _filled(templates, members)
        if (row := find(curve[0])) is not None and row.recipe in recipes
    ]
    if not series:
        return None
    tags = [curve[0] for curve in series]
    if "between" in spec:
        _, low, high = series[0]
    elif "healthy" in spec and with_bands:
        low, high = band_tags(tags[0])
    else:
        return Multiline(spec["title"], tags)
    bare = [(tag, tag, tag) for tag in tags[1:]]  # a shade without any width
    return Margin(spec["title"], [(tags[0], low, high), *bare])


def _series(spec: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Templates of the curves of a chart: of the tag alone, or with those of its edges."""
    alone: list[str] = spec.get("lines") or spec.get("healthy") or []
    return [(tag,) for tag in alone] + [tuple(tags) for tags in spec.get("between", [])]


def _filled(
    templates: tuple[str, ...], members: Mapping[str, Sequence[object]]
) -> Iterator[tuple[str, ...]]:
    """The same templates with each choice of what their fields can be."""
    names = list(dict.fromkeys(FIELD.findall(templates[0])))
    for choice in product(*(members[name] for name in names)):
        filling = dict(zip(names, map(str, choice), strict=True))
        if "m" in filling and int(filling["l"]) >= int(filling["m"]):
            continue  # a level is compared with each coarser one, once
        yield tuple(_fill(template, filling) for template in templates)


def _fill(template: str, filling: Mapping[str, str]) -> str:
    def value_of(hit: re.Match[str]) -> str:
        return filling[hit[1]]

    return FIELD.sub(value_of, template)
