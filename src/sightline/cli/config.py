"""`sightline config`: what can be set, and what is set."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.errors import explained
from sightline.cli.options import Debug

app = typer.Typer(help="Show what can be set, and what is set.", no_args_is_help=True)


class Recipe(StrEnum):
    """The trainers that there are."""

    HJEPA = "hjepa"


@app.command()
def schema(
    recipe: Annotated[Recipe, typer.Argument(help="Which trainer.")] = Recipe.HJEPA,
    debug: Debug = False,
) -> None:
    """Print the JSON Schema of a recipe's YAML files, for editors."""
    with explained(debug=debug):
        from sightline.hjepa import HJEPAConfig
        from sightline.training import json_schema

        assert recipe is Recipe.HJEPA
        typer.echo(json.dumps(json_schema(HJEPAConfig), indent=2))


@app.command()
def show(
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    recipe: Annotated[Recipe, typer.Option(help="Which trainer.")] = Recipe.HJEPA,
    config: Annotated[Path | None, typer.Option(help="YAML file.")] = None,
    debug: Debug = False,
) -> None:
    """Print the whole configuration as YAML, defaults and overrides included."""
    with explained(debug=debug):
        from sightline.hjepa import HJEPAConfig
        from sightline.training import load_config, to_yaml

        assert recipe is Recipe.HJEPA
        typer.echo(to_yaml(load_config(HJEPAConfig, config, overrides or ())), nl=False)
