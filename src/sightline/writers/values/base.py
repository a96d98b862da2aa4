"""What every kind of value can do."""

from __future__ import annotations

from typing import Self


class Value:
    """Something that can be logged under a tag.

    A caller may hand in arrays of NumPy, torch or JAX, on any device. `frozen` is called in the
    caller's thread and waits for no device; `on_host` is called in the worker. What a writer
    receives has been through both: floats, text, bytes and NumPy arrays.
    """

    __slots__ = ()

    def frozen(self) -> Self:
        """The value as it is now, in memory that the caller cannot write to.

        Returns:
            This very value where nothing of it can change.
        """
        return self

    def on_host(self) -> Value:
        """The value as writers take it.

        Returns:
            A value without device arrays, checked.
        """
        return self

    @property
    def nbytes(self) -> int:
        """Memory that a frozen value holds while it waits; 0 for what is small."""
        return 0
