"""Rules that belong together: one set a recipe."""

from __future__ import annotations

import math

from sightline.catalogue import Limit, factor, find
from sightline.diagnostics import reachable_rank
from sightline.health.criteria import Band, Criterion, NonFinite, StuckAt
from sightline.health.finding import Level
from sightline.health.rule import Rule, Watch

_COLLAPSE_REMEDY = "Raise the EMA momentum, lower the learning rate or enlarge the targets."
_LEVELS = {"warn": Level.WARN, "error": Level.ERROR}


def hjepa(
    *, num_samples: int, width: int, warmup_steps: int, settle_steps: int
) -> tuple[Rule, ...]:
    """Make fresh rules for an H-JEPA run.

    | tag | wrong | when |
    |---|---|---|
    | train/loss | not finite | at once |
    | masking/context_target_overlap | above 0 | at once |
    | ema/parameter_divergence | exactly 0 | two readings running, after the warm-up |
    | collapse/effective_rank | below 10% of min(N - 1, D) | three readings, after the warm-up |
    | collapse/mean_std_per_dim | x sqrt(D) below 0.3 | three readings, once settled |
    | collapse/mean_similarity | above 0.5 | three readings, once settled |

    The numbers are those of the catalogue: the first limit of each tag.

    An untrained encoder maps all images to much the same feature: on 8 x 8 digits their mean cosine
    starts at 0.99 and needs several hundred steps to come down. Before `settle_steps` that is no
    sign of collapse; the rank is, for it starts high.

    Args:
        num_samples: N, rows of the features that the collapse/ values are computed from.
        width: D, columns of the same features.
        warmup_steps: steps after which the rank and the target encoder are judged, e.g. those of
            the learning rate's warm-up.
        settle_steps: steps after which images must differ, e.g. half of the run.

    Returns:
        The rules, without any memory of a run.

    Raises:
        ValueError: if the features are too few to show any rank.

    Example:
        >>> rules = hjepa(num_samples=257, width=64, warmup_steps=0, settle_steps=0)
        >>> for step in (1, 2, 3):
        ...     rules[3].update(step, 3.2)
        >>> print(rules[3].verdict().value, rules[3].verdict().unit)
        5.0 % of the reachable rank 64
    """
    reachable = reachable_rank(num_samples, width)
    if reachable < 1:
        raise ValueError(
            f"expected at least 2 samples to measure collapse on, got {num_samples}; "
            "pool features over a larger batch"
        )
    held_from = {"start": 0, "warmup": warmup_steps, "settled": settle_steps}

    def watch(criterion: Criterion) -> Watch:
        limit = _limit(criterion.tag)
        return Watch(criterion, warmup_steps=held_from[limit.after], patience=limit.patience)

    def band(tag: str, *, unit: str, why: str, remedy: str) -> Watch:
        limit = _limit(tag)
        scale = factor(limit.scale, num_samples=num_samples, width=width)
        assert scale is not None, f"{tag}: the shape of the features does not give {limit.scale}"
        return watch(
            Band(
                tag=tag,
                low=-math.inf if limit.low is None else limit.low,
                high=math.inf if limit.high is None else limit.high,
                scale=scale,
                unit=unit,
                level=_LEVELS[limit.level],
                why=why,
                remedy=remedy,
            )
        )

    return (
        watch(NonFinite(tag="train/loss")),
        band(
            "masking/context_target_overlap",
            unit="of the targets",
            why="The encoder is shown patches that it must predict; the model can copy them.",
            remedy="Take the target patches out of the context mask.",
        ),
        watch(
            StuckAt(
                tag="ema/parameter_divergence",
                value=0.0,
                why="The target encoder equals the context encoder; it is not a moving average.",
                remedy="Copy the encoder instead of sharing it; update it after the optimizer.",
            )
        ),
        band(
            "collapse/effective_rank",
            unit=f"% of the reachable rank {reachable}",
            why="The features use only a few directions.",
            remedy=_COLLAPSE_REMEDY,
        ),
        band(
            "collapse/mean_std_per_dim",
            unit="x sqrt(D)",
            why="The features hardly differ from image to image.",
            remedy=_COLLAPSE_REMEDY,
        ),
        band(
            "collapse/mean_similarity",
            unit="cosine",
            why="Different images look alike to the model.",
            remedy=_COLLAPSE_REMEDY,
        ),
    )


def _limit(tag: str) -> Limit:
    """What the catalogue judges a tag by first."""
    row = find(tag)
    assert row is not None, f"{tag} is not in the catalogue"
    return row.limits[0]
