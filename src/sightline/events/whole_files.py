"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name when all of it is written.

    Args:
        path: The file; one that is there is replaced.

    Yields:
        The file under another name in the same folder, opened for bytes. If the block fails it is
        removed, and what was at `path` is left as it is.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder, "a.txt")) as file:
        ...         _ = file.write(b"all of it")
        ...     [one.name for one in Path(folder).iterdir()]
        ['a.txt']
    """
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
