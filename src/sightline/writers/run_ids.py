"""Which run of a tracking service this is, remembered beside the event files."""

from __future__ import annotations

from pathlib import Path


class RunIdFile:
    """A file that holds the id of the last run.

    Args:
        path: The file; None to remember nothing.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = None if path is None else Path(path)

    def read(self) -> str | None:
        """The id that is kept.

        Returns:
            None where none is.
        """
        if self._path is None or not self._path.is_file():
            return None
        return self._path.read_text(encoding="utf-8").strip() or None

    def keep(self, run_id: str) -> None:
        """Remember an id in place of the one before.

        Args:
            run_id: The id.
        """
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(run_id + "\n", encoding="utf-8")
