"""Facts of curves as a table that fits the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from sightline.cli.best import Goal
from sightline.cli.facts import Facts
from sightline.cli.sparkline import ASCII, BLOCKS, cell_means, sparkline

GAP = 2
MIN_CURVE = 8
MIN_TAG = 20
UNLIMITED = 1 << 20
HEADINGS = ("tag", "last", "best", "trend", "points", "step", "curve")
# What goes first where the terminal is too narrow.
DISPENSABLE = ("points", "curve", "trend", "step", "best")


class Alphabet(NamedTuple):
    """The characters of a table."""

    blocks: str
    low: str
    high: str
    down: str
    flat: str
    up: str
    plus_minus: str
    ellipsis: str


UNICODE = Alphabet(BLOCKS, "↓", "↑", "↘", "→", "↗", "±", "…")
PLAIN = Alphabet(ASCII, "min", "max", "\\", "=", "/", "+-", "..")


def alphabet_for(encoding: str) -> Alphabet:
    """The characters that an encoding has.

    Args:
        encoding: Of the terminal, as Python names it.

    Returns:
        Blocks and arrows, or ASCII.
    """
    try:
        "".join(UNICODE).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return UNICODE


def facts_table(rows: Sequence[Facts], width: int | None, alphabet: Alphabet) -> Table:
    """Lay out facts as a table, grouped by run.

    Where it is too wide, the curves get shorter first, then the middle of long tags goes, then
    whole columns.

    Args:
        rows: The facts, those of one run together.
        width: Characters that a line may have; None for as many as it takes.
        alphabet: What to draw with.

    Returns:
        A table for Rich.
    """
    cells = {heading: [_cell(heading, facts, alphabet) for facts in rows] for heading in HEADINGS}
    widths = {
        heading: max(len(heading), *map(cell_len, column)) for heading, column in cells.items()
    }
    widths["tag"] = max(widths["tag"], *(cell_len(printable(facts.run)) for facts in rows))
    widths["curve"] = max(len("curve"), *(len(facts.curve) for facts in rows))
    if width is not None:
        widths = fitted(widths, width)
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for heading, size in widths.items():
        is_text = heading in {"tag", "trend", "curve"}
        table.add_column(heading, justify="left" if is_text else "right", width=size, no_wrap=True)
    previous = None
    for number, facts in enumerate(rows):
        if facts.run != previous:
            previous = facts.run
            name = cropped(printable(facts.run), widths["tag"], alphabet.ellipsis)
            table.add_row(Text(name, "bold cyan"))
        line = []
        for heading, size in widths.items():
            text = cells[heading][number]
            if heading == "tag":
                text = cropped(text, size, alphabet.ellipsis)
            elif heading == "curve":
                text = sparkline(cell_means(facts.curve, size), alphabet.blocks)
            line.append(Text(text, _style(heading, facts)))
        table.add_row(*line)
    return table


def fitted(widths: dict[str, int], width: int) -> dict[str, int]:
    """Widths of columns that fit into a line.

    Args:
        widths: As wide as each would be, in order.
        width: Characters of the line.

    Returns:
        Widths of the columns that stay, in order.
    """
    widths = dict(widths)
    for heading in ("", *DISPENSABLE):
        widths.pop(heading, None)
        excess = sum(widths.values()) + GAP * (len(widths) - 1) - width
        if excess > 0 and "curve" in widths:
            shorter = min(excess, max(widths["curve"] - MIN_CURVE, 0))
            widths["curve"] -= shorter
            excess -= shorter
        if excess <= max(widths["tag"] - MIN_TAG, 0):
            break
    widths["tag"] = max(widths["tag"] - max(excess, 0), 1)
    return widths


def cropped(name: str, width: int, ellipsis: str) -> str:
    """A name without its middle, where it is too long.

    Args:
        name: The name.
        width: Characters that it may have.
        ellipsis: What stands for the middle.

    Returns:
        The name, or its two ends; the end is the longer one.

    Example:
        >>> cropped("encoder/block_11/attention/loss", 20, "…")
        'encoder/b…ntion/loss'
    """
    if cell_len(name) <= width:
        return name
    left = max((width - len(ellipsis)) // 2, 0)
    right = max(width - len(ellipsis) - left, 0)
    ends = set_cell_size(name, left), set_cell_size(name[::-1], right)[::-1]
    return set_cell_size(ellipsis.join(ends), width)


def printable(name: str) -> str:
    r"""A name without what would move the cursor: a file may hold any.

    Args:
        name: The name.

    Returns:
        The name, with a question mark for each character that cannot be printed.

    Example:
        >>> printable("loss\x1b[2J")
        'loss?[2J'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def short(number: float) -> str:
    """A number in at most four significant digits, or all of a whole one below ten million.

    Args:
        number: Any.

    Returns:
        Its text.

    Example:
        >>> [short(x) for x in (0.48213, 12345.6, 1e-5, 100.0, 0.0, float("nan"), 3e9)]
        ['0.4821', '12,346', '1e-05', '100', '0', 'nan', '3e+09']
    """
    if math.isfinite(number) and abs(number) < 1e7 and (number == int(number) or abs(number) > 1e4):
        return f"{number:,.0f}"
    return f"{number:.4g}"


def _cell(heading: str, facts: Facts, alphabet: Alphabet) -> str:
    match heading:
        case "tag":
            return "  " + printable(facts.tag)
        case "last":
            return short(facts.last)
        case "best":
            if facts.best is None:
                return ""
            arrow = alphabet.low if facts.goal is Goal.MIN else alphabet.high
            return f"{arrow} {short(facts.best)}"
        case "trend":
            return _trend(facts, alphabet)
        case "points":
            return f"{facts.num_points:,}"
        case "step":
            return f"{facts.last_step:,}"
        case _:
            return ""


def _trend(facts: Facts, alphabet: Alphabet) -> str:
    line = facts.trend
    if line is None:
        return ""
    digits = 0 if line.direction == 0 else 2
    if line.change_error > 0:
        digits = min(max(-math.floor(math.log10(line.change_error)), 0), 2)
    if line.direction == 0:
        return f"{alphabet.flat} flat {alphabet.plus_minus}{line.change_error:.{digits}f}%"
    digits = min(digits, 0 if abs(line.change) >= 99.5 else 1)
    arrow = alphabet.up if line.direction > 0 else alphabet.down
    error = f"{alphabet.plus_minus}{line.change_error:.{digits}f}%"
    return f"{arrow} {line.change:+.{digits}f} {error}"


def _style(heading: str, facts: Facts) -> str:
    if heading == "last" and not math.isfinite(facts.last):
        return "bold red"
    if heading == "trend" and facts.trend is not None:
        if facts.trend.direction == 0 or facts.goal is None:
            return "dim"
        is_falling = facts.trend.direction < 0
        return "green" if is_falling is (facts.goal is Goal.MIN) else "red"
    return ""
