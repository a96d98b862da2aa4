"""The one place that words a missing extra."""

from __future__ import annotations

from typing import NoReturn


def missing(package: str, extra: str) -> NoReturn:
    """Say which extra brings a package that is not installed.

    Args:
        package: What was imported.
        extra: The extra of Sightline that installs it.

    Raises:
        ModuleNotFoundError: Always.

    Example:
        >>> missing("wandb", "wandb")
        Traceback (most recent call last):
        ModuleNotFoundError: wandb is not installed; run: pip install "sightline[wandb]"
    """
    raise ModuleNotFoundError(
        f'{package} is not installed; run: pip install "sightline[{extra}]"', name=package
    )
