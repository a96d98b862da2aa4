"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

LogDir: TypeAlias = Annotated[str, typer.Argument(help="A run, a folder of runs, or a URL of one.")]
Tag: TypeAlias = Annotated[str | None, typer.Option(metavar="RE", help="Only tags that match.")]
Run: TypeAlias = Annotated[str | None, typer.Option(metavar="RE", help="Only runs that match.")]
Strict: TypeAlias = Annotated[bool, typer.Option(help="Exit with 1 if something is damaged.")]
Debug: TypeAlias = Annotated[bool, typer.Option(help="Show tracebacks.")]
