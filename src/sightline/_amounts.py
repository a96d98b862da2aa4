"""Amounts in words: bytes, durations, counted things, the first few of many."""

from __future__ import annotations

from collections.abc import Sequence

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(num_bytes: float) -> str:
    """A number of bytes, in powers of 1,000.

    Args:
        num_bytes: How many.

    Returns:
        Three digits and a unit.

    Example:
        >>> size(999), size(2_104_000_000)
        ('999 bytes', '2.1 GB')
    """
    power = 0
    while num_bytes >= 999.5 and power < len(UNITS) - 1:
        num_bytes /= 1000
        power += 1
    return f"{num_bytes:.3g} {UNITS[power]}"


def duration(seconds: float) -> str:
    """A span of time in its largest unit.

    Args:
        seconds: How long.

    Returns:
        A number and a unit.

    Example:
        >>> duration(1.25), duration(7200), duration(864_000)
        ('1.25 s', '2 h', '10 days')
    """
    for limit, length, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 86_400:,.0f} days"


def counted(number: int, noun: str) -> str:
    """A number and what it counts: `1 run`, `1,000 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names, and how many more there are.

    Args:
        names: In order.
        most: How many are named.

    Returns:
        Names in backquotes.

    Example:
        >>> listed(["a", "b", "c", "d"], most=2)
        '`a`, `b` and 2 more'
    """
    few = ", ".join(f"`{name}`" for name in names[:most])
    return few + (f" and {len(names) - most} more" if len(names) > most else "")
