"""A line for each step, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sightline.writers.values import Scalar, Text, Value

if TYPE_CHECKING:
    from rich.console import Console as RichConsole


class Console:
    """Prints scalars as `step 120  loss 0.4821  lr 0.001`, one line a step, and texts as they are.

    Args:
        console: Where to print; stderr by default.
        digits: Significant digits of a number.
    """

    supports: frozenset[type] = frozenset({Scalar, Text})

    def __init__(self, console: RichConsole | None = None, *, digits: int = 4) -> None:
        if console is None:
            from rich.console import Console as RichConsole

            console = RichConsole(stderr=True)
        self._console = console
        self._digits = digits
        self._step: int | None = None
        self._line: dict[str, str] = {}

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Add values to the line of their step; a new step prints the line before."""
        if step != self._step:
            self.flush()
            self._step = step
        for tag, value in values.items():
            if isinstance(value, Scalar):
                self._line[tag] = f"{value.value:.{self._digits}g}"
            elif isinstance(value, Text):
                self._print(f"step {step}  {tag}\n{value.markdown}")

    def flush(self) -> None:
        """Print the line as far as it is."""
        if self._line:
            numbers = (f"{tag} {number}" for tag, number in self._line.items())
            self._print("  ".join((f"step {self._step}", *numbers)))
            self._line = {}

    def close(self) -> None:
        """Print the last line."""
        self.flush()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
