"""A configuration as a markdown table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def config_table(config: Mapping[str, Any]) -> str:
    """Lay out a configuration in two columns.

    Args:
        config: Values by name; nested mappings become dotted names.

    Returns:
        Markdown.

    Example:
        >>> print(config_table({"model": {"width": 64}, "lr": 0.1}))
        | key | value |
        | --- | --- |
        | model.width | 64 |
        | lr | 0.1 |
    """
    rows = ["| key | value |", "| --- | --- |"]
    rows += [f"| {_cell(name)} | {_cell(value)} |" for name, value in flatten(config)]
    return "\n".join(rows)


def flatten(nested: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk over nested mappings.

    Args:
        nested: A mapping; a name may also be a tuple of names.
        prefix: What to put before each name.

    Yields:
        Pairs of dotted name and value.

    Example:
        >>> dict(flatten({"a": {"b": 1}, ("c", "d"): 2}))
        {'a.b': 1, 'c.d': 2}
    """
    for key, value in nested.items():
        name = prefix + (".".join(map(str, key)) if isinstance(key, tuple) else str(key))
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
