"""`sightline train`: one command a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from sightline.cli.errors import explained
from sightline.cli.options import Debug

if TYPE_CHECKING:
    from sightline.hjepa import HJEPASummary

app = typer.Typer(help="Train a model and watch it learn.", no_args_is_help=True)

INTERRUPTED = 130
FOUND_A_PROBLEM = 1


@app.callback()
def _train() -> None:
    """Train a model and watch it learn."""


@app.command()
def hjepa(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Settings over the file: training.lr=1e-3"),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file; defaults without.")] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="PATH|auto", help="Continue from a checkpoint.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    debug: Debug = False,
) -> None:
    """Train H-JEPA on images; without a file, on handwritten digits."""
    with explained(debug=debug):
        from sightline.callbacks.early_stopping import NO_PROGRESS
        from sightline.hjepa import HJEPAConfig, HJEPATrainer
        from sightline.training import load_config, setup_logging

        setup_logging()
        settings = load_config(HJEPAConfig, config, overrides or ())
        trainer = HJEPATrainer.from_config(settings, device=device, resume=resume)
    typer.echo(f"Training into {trainer.logger.run_dir}", err=True)
    summary = trainer.train()
    print_summary(summary)
    if summary.log_error is not None:
        typer.echo(f"The log is not complete: {summary.log_error}", err=True)
    if summary.stop_reason is not None:
        codes = {"SIGINT": INTERRUPTED, "SIGTERM": 0}
        code, more = codes.get(summary.stop_reason, FOUND_A_PROBLEM), ""
        if summary.stop_reason.startswith(NO_PROGRESS):
            code, more = 0, "more training.early_stopping.patience and "
        typer.echo(
            f"Stopped early: {summary.stop_reason}. "
            f"The same command with {more}--resume auto goes on from the last checkpoint.",
            err=True,
        )
        raise typer.Exit(code)
    if summary.log_error is not None:
        raise typer.Exit(FOUND_A_PROBLEM)


def print_summary(summary: HJEPASummary) -> None:
    """Print what a run came to, and what to type next.

    Args:
        summary: What the trainer returned.
    """
    table = Table(title=f"{summary.num_steps:,} steps, {summary.seconds:.0f} s")
    table.add_column("held-out images")
    table.add_column("untrained", justify="right")
    table.add_column("trained", justify="right")
    for row in summary.table():
        table.add_row(*row)
    Console().print(table)
    typer.echo("± is one standard error. A loss compares with itself only: its targets move.")
    typer.echo("Next: make board")
