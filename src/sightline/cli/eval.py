"""`sightline eval`: what a trained encoder is worth."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sightline.cli.errors import explained
from sightline.cli.eval_report import as_document, print_assessment
from sightline.cli.options import Debug

if TYPE_CHECKING:
    from sightline.hjepa.assessment import ProbeName
    from sightline.hjepa.config import HJEPAConfig

app = typer.Typer(help="Say what a trained model is worth.", no_args_is_help=True)

EPILOG = (
    "The result is also written to evaluation.json in the run's folder. Exit codes: 0 fine, 2 "
    "usage, which includes data that cannot be read or probed."
)
RESULT = "evaluation.json"
ALL = "knn,linear,attentive,few-label"
T = TypeVar("T")


@app.callback()
def _eval() -> None:
    """Say what a trained model is worth."""


@app.command(epilog=EPILOG)
def hjepa(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or one checkpoint.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Other data than the run's: data.data_path=..."
        ),
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(metavar="best|latest|PATH", help="By kNN accuracy, the last, or this one."),
    ] = "best",
    probes: Annotated[
        str, typer.Option(metavar="A,B", help="Which; an empty text for none.")
    ] = ALL,
    neighbours: Annotated[int, typer.Option(min=1, help="Of the kNN accuracy.")] = 20,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of the sweep, else 100, and of the attentive probe, else 20 or 500 steps."
        ),
    ] = None,
    max_images: Annotated[
        int | None, typer.Option(min=1, help="Of each set, evenly by class; all without.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Beside it, the encoder that the run began with.")
    ] = False,
    features: Annotated[
        Path | None, typer.Option(help="Write frozen features to this .parquet or .npz file.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    debug: Debug = False,
) -> None:
    """Probe the frozen encoder of an H-JEPA run on its held-out images."""
    # All of it: images that cannot be probed show only when they are.
    with explained(debug=debug):
        from sightline.hjepa.assessment import Assessor
        from sightline.hjepa.build import create_masking
        from sightline.hjepa.data import load_images
        from sightline.hjepa.feature_files import check_ending, write_features
        from sightline.hjepa.features import bounded
        from sightline.hjepa.pretrained import restore
        from sightline.training.devices import create_fabric

        chosen = chosen_probes(probes)
        if features is not None:
            check_ending(features)
        place = chosen_checkpoint(run, checkpoint)
        trained = restore(place)
        config = with_data(trained.config, overrides or [])
        train, val = load_images(config.data)
        assessor = Assessor(
            bounded(train, max_images, seed=config.seed),
            bounded(val, max_images, seed=config.seed),
            create_masking(
                config, trained.model.context_encoder.grid_of(*train.images_NCHW.shape[-2:])
            ),
            create_fabric(device).device,
            config.data.batch_size,
            probes=chosen,
            num_neighbours=neighbours,
            max_logistic=config.evaluation.max_images,
            seed=config.seed,
            track=_track,
            **({} if epochs is None else {"sweep_epochs": epochs, "attentive_epochs": epochs}),
        )
        frozen = assessor.features(trained.model)
        if features is not None:
            of_train, of_val = ((one.mean_ND, one.labels_N) for one in frozen)
            write_features(features, of_train, of_val, train.class_names)
            typer.echo(f"Features: {features}", err=True)
        after = assessor.assess(trained.model, *frozen)
        before = None
        if untrained:
            fresh = trained.untrained()
            before = assessor.assess(fresh, *assessor.features(fresh))
    document = as_document(trained, config, after, before)
    if as_json:
        typer.echo(document)
    else:
        print_assessment(trained, after, before)
    _keep(place, document)


def chosen_probes(text: str) -> list[ProbeName]:
    """The probes that a text names.

    Args:
        text: Names with commas between them.

    Returns:
        The names.

    Raises:
        ValueError: If one is not known.
    """
    from sightline.hjepa.assessment import PROBES

    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {str(probe): probe for probe in PROBES}
    for name in names:
        if name not in known:
            raise ValueError(
                f"expected --probes among {','.join(PROBES)}, got {name!r}; leave the option out "
                "for all"
            )
    return [known[name] for name in names]


def chosen_checkpoint(run: Path, which: str) -> Path:
    """The checkpoint that is asked for.

    Args:
        run: Folder of a run, or a checkpoint.
        which: `best`, `latest`, a checkpoint, or the name of one of the run's.

    Returns:
        Its folder.

    Raises:
        FileNotFoundError: If there is none.
    """  # noqa: DOC502  what it calls raises it
    from sightline.hjepa.pretrained import find_pretrained
    from sightline.hjepa.run import checkpoint_folder

    if which == "best" or which == "latest":
        return find_pretrained(run, "best" if which == "best" else "latest")
    inside = Path(checkpoint_folder(run)) / which
    return find_pretrained(inside if inside.is_dir() else which, "latest")


def with_data(config: HJEPAConfig, overrides: list[str]) -> HJEPAConfig:
    """A run's configuration with other data.

    Args:
        config: That of the run.
        overrides: Settings of its section `data`.

    Returns:
        The configuration.

    Raises:
        ValueError: If something else is set, or does not fit.
    """
    from sightline.hjepa.config import HJEPAConfig
    from sightline.training import load_config

    for override in overrides:
        if not override.startswith("data."):
            raise ValueError(
                f"expected settings of the data such as data.data_path=photos, got {override!r}; "
                "the model is what the run trained"
            )
    return load_config(HJEPAConfig, config, overrides)


def _keep(checkpoint: Path, document: str) -> None:
    """Write the result into the run's folder."""
    from sightline.events.whole_files import whole_file

    folder = checkpoint.resolve().parent
    path = (folder.parent if folder.name == "checkpoints" else folder) / RESULT
    try:
        with whole_file(path) as file:
            file.write(f"{document}\n".encode())
    except OSError as error:  # a run of others is evaluated, too
        typer.echo(f"The result is not kept: {error}", err=True)
    else:
        typer.echo(f"Result: {path}", err=True)


def _track(items: Iterable[T], what: str, /) -> Iterator[T]:
    """Items with a progress bar on stderr where somebody looks, else their name alone."""
    from rich.console import Console
    from rich.progress import track

    if sys.stderr.isatty():
        yield from track(items, what, console=Console(stderr=True), transient=True)
    else:
        typer.echo(what, err=True)
        yield from items
