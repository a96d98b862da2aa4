"""`sightline board`: TensorBoard, opened on what matters."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.errors import explained
from sightline.cli.options import Debug

PINNED = ("loss/total", "eval/knn_accuracy", "collapse/effective_rank", "masking/samples")


def board(
    logdir: Annotated[Path, typer.Argument(help="A run, or a folder of runs.")] = Path("runs"),
    port: Annotated[int, typer.Option(help="Port; a free one if it is taken.")] = 6006,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "localhost",
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    debug: Debug = False,
) -> None:
    """Open TensorBoard on a run or a folder of runs."""
    with explained(debug=debug):
        from sightline.board import start

        running = start(logdir, port=port, host=host)
    with running:
        url = running.link(PINNED)
        typer.echo(url)
        if open_browser:
            webbrowser.open(url)
        typer.echo("Ctrl-C ends it.", err=True)
        running.wait()
