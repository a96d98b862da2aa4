"""Tables in markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    return markdown_table(("key", "value"), ((name, str(value)) for name, value in flatten(config)))


def markdown_table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    r"""Lay out rows under headings.

    Args:
        columns: The headings.
        rows: A cell for each column; floats are shown with six significant digits, None is empty.

    Returns:
        Markdown.

    Example:
        >>> print(markdown_table(("class", "recall"), [("cat", 1 / 3), ("a|b", None)]))
        | class | recall |
        | --- | --- |
        | cat | 0.333333 |
        | a\|b |  |
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


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
    text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
    return " ".join(text.replace("|", "\\|").splitlines())
