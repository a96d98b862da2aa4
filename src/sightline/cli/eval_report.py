"""What an assessment came to, as JSON and as tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sightline.hjepa.config import HJEPAConfig
    from sightline.hjepa.pretrained import Pretrained
    from sightline.hjepa.scores import Assessment, Score

LABELS = {
    "knn_accuracy": "kNN",
    "linear_probe_accuracy": "logistic regression",
    "linear_sweep_accuracy": "linear sweep",
    "attentive_probe_accuracy": "attentive probe",
}


def as_document(
    trained: Pretrained, config: HJEPAConfig, after: Assessment, before: Assessment | None
) -> str:
    """What was found as JSON.

    Args:
        trained: What was assessed.
        config: Its configuration, with the data that it was assessed on.
        after: What the trained encoder is worth.
        before: What the untrained encoder is worth; None if that was not asked.

    Returns:
        One JSON object, numbers that are not finite as text.
    """
    document = {
        "checkpoint": str(trained.path),
        "step": trained.step,
        "data": config.data.model_dump(mode="json"),
        "trained": asdict(after),
        "untrained": None if before is None else asdict(before),
    }
    return json.dumps(_as_json(document), indent=2, allow_nan=False)


def _as_json(value: Any) -> Any:
    from sightline.events.json_numbers import json_number

    if isinstance(value, dict):
        return {str(name): _as_json(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_as_json(inner) for inner in value]
    return json_number(value) if isinstance(value, float) else value


def print_assessment(trained: Pretrained, after: Assessment, before: Assessment | None) -> None:
    """Print what was found as tables.

    Args:
        trained: What was assessed.
        after: What the trained encoder is worth.
        before: What the untrained encoder is worth; None if that was not asked.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    sides = [after] if before is None else [before, after]

    def table(title: str, first: str, rows: list[tuple[str, list[str]]]) -> None:
        drawn = Table(title=title, title_justify="left")
        drawn.add_column(first)
        for column in ("untrained", "trained")[-len(sides) :]:
            drawn.add_column(column, justify="right")
        for label, cells in rows:
            drawn.add_row(label, *cells)
        if rows:
            console.print(drawn)

    title = f"{trained.path.name}: {after.num_train:,} training images"
    held_out = f"{after.num_val:,} held-out images"
    rows = [(_label(name), [_cell(side.scores[name]) for side in sides]) for name in after.scores]
    chance = [("the most frequent class", [f"{after.chance:.3f}" for _ in sides])] if rows else []
    table(title, held_out, [*rows, *chance])
    level_rows = [
        (f"level {number}, {_label(name)}", [_cell(side.levels[number][name]) for side in sides])
        for number, level in enumerate(after.levels)
        for name in level
    ]
    table("By level: mean and largest value over its cells", held_out, level_rows)
    measures = [
        (name.replace("_", " "), [f"{side.label_free[name]:.3g}" for side in sides])
        for name in after.label_free
    ]
    table("Without labels", f"{after.num_train + after.num_val:,} images", measures)
    if after.heads:
        head = after.scores["linear_sweep_accuracy"].head
        assert head is not None
        typer.echo(
            f"Of the sweep's {len(after.heads)} heads, the best on training images that were kept "
            f"back: {head.features}, learning rate {head.learning_rate:g}."
        )
    if rows:
        typer.echo("± is one standard error over images; draws are choices of the labels.")


def _label(name: str) -> str:
    count = name.rpartition("_")[2]
    return LABELS.get(name, f"{count} label{'' if count == '1' else 's'} a class")


def _cell(score: Score) -> str:
    over_draws = "" if score.deviation is None else f", draws ± {score.deviation:.3f}"
    return f"{score.value:.3f} ± {score.error:.3f}{over_draws}"
