"""What a breach of a limit may mean, what to do about it, and where the limit comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sightline.catalogue.lookup import fill, read_data


@dataclass(frozen=True, slots=True)
class Advice:
    """What goes with a limit.

    Attributes:
        why: what a breach may mean.
        remedy: what to do about it.
        basis: where the limit comes from: a definition, a source or a measurement.
        page: page of the documentation that explains it, from the root of the project; empty where
            there is none.
    """

    why: str
    remedy: str
    basis: str
    page: str = ""


def advice(family: str, kind: str, found: Mapping[str, str] | None = None) -> Advice | None:
    """What goes with a limit.

    Args:
        family: tag of the limit's row, with its fields.
        kind: `Limit.kind` of the limit.
        found: what stands for the fields.

    Returns:
        The advice with its fields filled in; None where nothing is known.

    Example:
        >>> advice("train/loss", "non_finite").page
        'docs/concepts/stability.md'
    """
    of_row = _all().get(family, {})
    texts = of_row.get(kind)
    if texts is None:
        return None
    page = texts.get("page", of_row.get("page"))
    return Advice(
        why=fill(texts["why"], found or {}),
        remedy=fill(texts["remedy"], found or {}),
        basis=texts["basis"],
        page=f"docs/concepts/{page}.md" if page else "",
    )


def common_names() -> dict[str, list[str]]:
    """Names that the curves of the generic rules have in the logs of others.

    Returns:
        Names by tag of the catalogue, the likeliest first.
    """
    return dict(read_data("names.yaml"))


@cache
def _all() -> dict[str, Any]:
    return dict(read_data("advice.yaml"))
