"""Healthy ranges as curves, which TensorBoard shades around the curve that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

from sightline.catalogue.lookup import find


def band_tags(tag: str) -> tuple[str, str]:
    """Tags of the edges of a curve's healthy range.

    Args:
        tag: tag of the curve.

    Returns:
        The tags of the lower and of the upper edge.

    Example:
        >>> band_tags("collapse/effective_rank")
        ('healthy/collapse/effective_rank/low', 'healthy/collapse/effective_rank/high')
    """
    return f"healthy/{tag}/low", f"healthy/{tag}/high"


def bands(
    tags: Iterable[str], *, num_samples: int | None = None, width: int | None = None
) -> dict[str, float]:
    """Healthy ranges of some tags, to be logged in the same call as their values.

    TensorBoard shades a range only where the value and both edges have exactly the same steps, so
    the edges go along with every reading: `logger.log_metrics({**values, **bands(values)})`.
    Edges of features need their shape; a range that depends on what is not given is left out.

    Args:
        tags: tags that are logged; those without a healthy range of numbers are passed over.
        num_samples: N, rows of the features that the values are computed from.
        width: D, columns of the same features.

    Returns:
        The edges by tag, in the unit of the curve that they belong to.

    Example:
        >>> values = {"collapse/effective_rank": 31.0, "train/target_std": 1.0}
        >>> bands(values, num_samples=128, width=64)
        {'healthy/collapse/effective_rank/low': 6.4, 'healthy/collapse/effective_rank/high': 64.0}
    """
    edges: dict[str, float] = {}
    for tag in tags:
        row = find(tag)
        if row is None or row.band is None:
            continue
        found = row.band.edges(num_samples=num_samples, width=width)
        if found is not None:
            edges |= dict(zip(band_tags(tag), found, strict=True))
    return edges
