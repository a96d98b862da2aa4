"""The `sightline` command and its sub-commands."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline.cli import board, check, config, doctor, eval, export, hjepa, show, tags, train

app = typer.Typer(
    name="sightline",
    help="See whether a model is learning, while it trains.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(train.app, name="train")
app.add_typer(eval.app, name="eval")
app.add_typer(hjepa.app, name="hjepa")
app.add_typer(config.app, name="config")
app.command("board")(board.board)
app.command("check", epilog=check.EPILOG)(check.check)
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.command("show", epilog=show.EPILOG)(show.show)
app.command("tags", epilog=tags.EPILOG)(tags.tags)
app.command("export", epilog=export.EPILOG)(export.export)


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        typer.echo(f"sightline {version('sightline')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """See whether a model is learning, while it trains."""


def main() -> None:
    """Run the command line."""
    app()
