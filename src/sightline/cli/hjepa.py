"""`sightline hjepa`: what can be done with a trained H-JEPA model."""

from __future__ import annotations

import logging
import warnings
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sightline._amounts import size
from sightline.cli.errors import explained
from sightline.cli.options import Debug

app = typer.Typer(help="Use a trained H-JEPA model.", no_args_is_help=True)


class Checkpoints(StrEnum):
    """Which of a run's checkpoints."""

    BEST = "best"
    LATEST = "latest"


class Pixels(StrEnum):
    """What an exported graph is fed with."""

    FLOAT32 = "float32"
    UINT8 = "uint8"


@app.callback()
def _hjepa() -> None:
    """Use a trained H-JEPA model."""


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run, its checkpoints, or one checkpoint.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file: .pt2, .onnx or .safetensors.")
    ],
    which: Annotated[Checkpoints, typer.Option(help="The checkpoint.")] = Checkpoints.BEST,
    pixels: Annotated[
        Pixels, typer.Option(help="What a graph is fed with; float32 is 0 to 1.")
    ] = Pixels.FLOAT32,
    debug: Debug = False,
) -> None:
    """Write the encoder of a run to a file: images in, features out."""
    with explained(debug=debug), warnings.catch_warnings():
        from sightline.hjepa import HJEPAModel
        from sightline.hjepa.export import export_format

        # torch's exporter tells of what torch deprecates, and of packages that are not needed.
        warnings.simplefilter("ignore", FutureWarning)
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        form = export_format(output)
        model = HJEPAModel.from_pretrained(run, which.value)
        model.export(output, pixels=pixels.value)
    encoder = model.target_encoder
    height, width = (cells * encoder.patch_size for cells in encoder.grid_size)
    rows, columns = encoder.grid_size
    channels = encoder.patch_embed.in_channels
    typer.echo(f"{output}: {size(output.stat().st_size)}")
    if form == "safetensors":
        typer.echo(f"  read it with sightline.hjepa.load_encoder('{output}')")
        return
    typer.echo(f"  images          (B, {channels}, {height}, {width})  {pixels.value}")
    typer.echo(f"  patch_features  (B, {rows}, {columns}, {encoder.width})  float32")
    typer.echo(f"  features        (B, {encoder.width})  float32")
