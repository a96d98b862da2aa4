"""A user's mistake is one sentence and exit code 2; a mistake of ours is a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

USAGE_ERROR = 2


@contextmanager
def explained(*, debug: bool, silent: bool = False) -> Iterator[None]:
    """Turn errors that a user can mend into one line on stderr and exit code 2.

    Wrap what reads the user's input: configuration, data, checkpoints, folders. What runs after
    that is not wrapped: an error there is a bug and keeps its traceback.

    Args:
        debug: Let the error through, with its traceback.
        silent: Say nothing, since another process says the same.

    Yields:
        Nothing.

    Raises:
        Exit: With code 2, in place of the error.
        ValueError: The error itself, with `debug`.
        OSError: Likewise.
        BrokenPipeError: Always.
        ModuleNotFoundError: Likewise.
    """
    try:
        yield
    except BrokenPipeError:  # who reads stdout has gone, as `head` does; Click ends quietly
        raise
    except (ValueError, OSError, ModuleNotFoundError) as error:
        if debug:
            raise
        message = " ".join(str(error).split())
        if not silent:
            print(f"sightline: {message}", file=sys.stderr)
        raise typer.Exit(USAGE_ERROR) from error
