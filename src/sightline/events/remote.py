"""Objects of a remote storage, read and written whole through fsspec."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upath import UPath

# How many objects are read at once: the way to a storage is long, and a day has 8,640 parts.
BATCH = 16


@contextmanager
def storage_errors(path: UPath) -> Iterator[None]:
    """Errors of a storage as those of a file system; each library has some of its own.

    Args:
        path: What is read or written.

    Yields:
        Nothing.

    Raises:
        OSError: If the storage cannot be reached, or refuses.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, reason, str(path)) from error
    except Exception as error:
        reason = f"the storage cannot be used, {type(error).__name__}: {error}"
        raise OSError(errno.EIO, reason, str(path)) from error


def put(path: UPath, data: bytes) -> None:
    """Create or replace an object, in one piece where the storage can.

    Args:
        path: Its name.
        data: Its content.

    Raises:
        OSError: If the storage does not take it.
    """  # noqa: DOC502
    with storage_errors(path):
        path.fs.pipe_file(path.path, data)


def exists(path: UPath) -> bool:
    """Ask whether an object is there now, whatever was listed before.

    Args:
        path: Its name.

    Returns:
        True where it is.

    Raises:
        OSError: If the storage cannot be reached, or refuses.
    """  # noqa: DOC502
    with storage_errors(path):
        path.fs.invalidate_cache(path.path)
        found: bool = path.fs.exists(path.path)
    return found


def delete(path: UPath) -> None:
    """Delete an object.

    Args:
        path: Its name.

    Raises:
        OSError: If the storage refuses.
    """  # noqa: DOC502
    with storage_errors(path):
        path.fs.rm_file(path.path)


def list_names(directory: UPath) -> list[str]:
    """The names of the objects of a directory as they are now, whatever was listed before.

    Args:
        directory: What their names begin with.

    Returns:
        Their names within the directory; none where there is no such directory.

    Raises:
        OSError: If the storage cannot be reached, or refuses.
    """  # noqa: DOC502
    storage = directory.fs
    with storage_errors(directory):
        storage.invalidate_cache(directory.path)
        try:
            found = storage.ls(directory.path, detail=True)
        except FileNotFoundError:
            return []
    paths = [entry["name"] for entry in found if entry["type"] == "file"]
    # Asked for an object, a storage lists that one.
    return [path.rpartition("/")[2] for path in paths if path != directory.path]


def contents(paths: Sequence[UPath]) -> Iterator[bytes]:
    """Read objects, several at once.

    Args:
        paths: Objects of one storage.

    Yields:
        Their contents, in order.

    Raises:
        OSError: If the storage cannot be reached, or refuses.
    """  # noqa: DOC502
    for start in range(0, len(paths), BATCH):
        batch = [path.path for path in paths[start : start + BATCH]]
        with storage_errors(paths[start]):
            # Not `cat`, to which brackets in a name are a pattern.
            read = paths[start].fs.cat_ranges(batch, None, None, on_error="raise")
        yield from read
