"""From one limit of the catalogue to one rule."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sightline.catalogue import Limit, Row, advice, factor, fill
from sightline.health.criteria import Band, Criterion, Interval, NonFinite, StuckAt
from sightline.health.facts import Facts
from sightline.health.finding import Level
from sightline.health.related import (
    Related,
    Relation,
    Unless,
    difference,
    share,
    standard_errors,
)
from sightline.health.rule import About, Watch
from sightline.health.transforms import Change, OfFirst, OffPlan, Transform
from sightline.health.windows import Deviations, Drift, Gain, Range

RELATIONS: dict[str, Relation] = {
    "share": share,
    "difference": difference,
    "standard_errors": standard_errors,
}


def make_rule(
    tag: str, row: Row, found: Mapping[str, str], limit: Limit, facts: Facts
) -> Watch | Related | str:
    """Make a rule of a limit.

    Args:
        tag: the series that is judged.
        row: its row of the catalogue.
        found: what stands for the fields of the row.
        limit: one of the row's limits.
        facts: what is known of the run.

    Returns:
        A fresh rule, or why there is none.
    """
    if limit.min_patches and (facts.num_patches or 0) < limit.min_patches:
        known = "not known" if facts.num_patches is None else f"{facts.num_patches}"
        return f"it holds from {limit.min_patches} patches on, and their number is {known}"
    low, high = limit.low, limit.high
    scale, transform = 1.0, None
    if limit.scale == "configured":
        if tag not in facts.ranges:
            return "the configured range is not known"
        low, high = facts.ranges[tag]
    elif limit.scale == "schedule":
        if tag not in facts.plans:
            return "the schedule is not known"
        transform = OffPlan(facts.plans[tag])
    elif limit.scale not in {*RELATIONS, "deviations", "first", "jump"}:
        times = factor(limit.scale, num_samples=facts.num_samples, width=facts.width)
        if times is None:
            return "the shape of the features is not known, or shows nothing"
        scale = times
    starts = {"start": 0, "warmup": facts.warmup_steps, "settled": facts.settle_steps}
    criterion = _criterion(limit, low, high)
    words = advice(row.tag, limit.kind, found)
    watch = Watch(
        About(
            tag=tag,
            level=Level[limit.level.upper()],
            unit=fill(_unit(row, limit), found),
            why="" if words is None else words.why,
            remedy="" if words is None else words.remedy,
            page="" if words is None else words.page,
        ),
        criterion,
        transform=transform or _transform(limit, criterion.calm),
        scale=scale,
        warmup_steps=starts[limit.after],
        until_step=None if limit.until is None else starts[limit.until],
        patience=limit.patience,
    )
    if limit.scale not in RELATIONS and limit.unless is None:
        return watch
    reference = _reference(row.tag, limit)
    return Related(
        watch,
        RELATIONS.get(limit.scale),
        None if reference is None else fill(reference, found),
        None if limit.unless is None else Unless(fill(limit.unless[0], found), limit.unless[1]),
    )


def _reference(family: str, limit: Limit) -> str | None:
    return f"{family}_error" if limit.scale == "standard_errors" else limit.reference


def tags_read(family: str, limit: Limit) -> list[str]:
    """Tags of the other curves that a limit needs.

    Args:
        family: tag of the limit's row.
        limit: the limit.

    Returns:
        The tags, with the fields of the family.
    """
    unless = None if limit.unless is None else limit.unless[0]
    return [tag for tag in (_reference(family, limit), unless) if tag is not None]


def _unit(row: Row, limit: Limit) -> str:
    if limit.trend is not None and limit.low is None and limit.high is None:
        return f"% {'up' if limit.trend == 'rising' else 'down'} in {limit.window} readings"
    if limit.plateau is not None:
        return f"% of all that was gained, in {limit.window} readings"
    if limit.flat is not None:
        return f"% between the extremes of {limit.window} readings"
    if limit.monotone is not None or limit.unchanged:
        return "from one reading to the next"
    return limit.unit or row.unit or ""


def _criterion(limit: Limit, low: float | None, high: float | None) -> Criterion:
    if limit.finite:
        return NonFinite(limit.kind)
    if limit.forbidden is not None:
        return StuckAt(limit.forbidden, limit.kind)
    if limit.unchanged:
        return StuckAt(0.0, limit.kind)
    if limit.monotone is not None:
        low, high = (0.0, None) if limit.monotone == "rising" else (None, 0.0)
    elif limit.plateau is not None:
        low, high = limit.plateau, None
    elif limit.flat is not None:
        low, high = limit.flat, None
    elif limit.trend is not None and low is None and high is None:
        low, high = None, limit.change
    return Band(
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        name=limit.kind,
    )


def _transform(limit: Limit, fine: Interval) -> Transform | None:
    if limit.monotone is not None or limit.unchanged:
        return Change()
    if limit.scale == "jump":
        return Change(relative=True)
    if limit.scale == "first":
        return OfFirst()
    if limit.scale == "deviations":
        return Deviations(limit.window)
    if limit.plateau is not None:
        return Gain(limit.window)
    if limit.flat is not None:
        return Range(limit.window)
    if limit.trend is not None:
        is_of_level = limit.low is not None or limit.high is not None
        return Drift(limit.trend, limit.window, limit.change, fine=fine if is_of_level else None)
    return None
