"""Tags as names that MLflow takes, and back.

MLflow takes letters, digits and `_ - . / :` and spaces, where a name is no other path than it says:
`a//b`, `a/../b` and `a/` are refused, and on Windows a colon too. What it refuses is written as
`_xHHHH_`, the character's number in hexadecimal, as spreadsheets and XML do.
"""

from __future__ import annotations

import re

MAX_NAME_LENGTH = 250
REFUSED = re.compile(
    r"[^\w\-. /]"  # any other character
    r"|(?<=/)/|/\Z"  # a part of a path without a name
    r"|(?:^|(?<=/))\."  # this directory, or the one above
    r"|_(?=x[0-9A-F]{4})"  # what would read as one of these
)
REFUSED_IN_FILES = re.compile(rf"{REFUSED.pattern}|[^\x00-\x7f]")
WRITTEN = re.compile(r"_x([0-9A-F]{4,6})_")


def mlflow_name(tag: str) -> str:
    """A name for a metric or a parameter.

    Args:
        tag: Any tag.

    Returns:
        The tag, with what MLflow refuses written as `_xHHHH_`.

    Raises:
        ValueError: If the name is longer than MLflow takes.

    Example:
        >>> mlflow_name("train/loss"), mlflow_name("top@1")
        ('train/loss', 'top_x0040_1')
    """
    name = REFUSED.sub(_written, tag)
    if len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            f"expected a tag of at most {MAX_NAME_LENGTH} characters for MLflow, got {len(name)} "
            f"in {name!r}; use a shorter one"
        )
    return name


def mlflow_path(tag: str) -> str:
    """A path for files: a name without letters that some stores do not take.

    Args:
        tag: Any tag.

    Returns:
        The tag in ASCII, anything else written as `_xHHHH_`.

    Example:
        >>> mlflow_path("größe/a:b")
        'gr_x00F6__x00DF_e/a_x003A_b'
    """
    return REFUSED_IN_FILES.sub(_written, tag)


def tag_of(name: str) -> str:
    """The tag that a name or a path stands for.

    Args:
        name: What `mlflow_name` or `mlflow_path` gave.

    Returns:
        The tag.

    Example:
        >>> tag_of("top_x0040_1")
        'top@1'
    """
    return WRITTEN.sub(lambda match: chr(int(match[1], 16)), name)


def _written(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04X}_"
