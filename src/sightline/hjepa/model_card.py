"""What a reader of a run's folder has to know of its model: a card beside the weights."""

from __future__ import annotations

import logging
from collections.abc import Sized
from typing import TYPE_CHECKING

import torch

from sightline._amounts import duration
from sightline.callbacks.run_facts import environment_table, parts_table
from sightline.hjepa.costs import measure_costs
from sightline.hjepa.data import images_of
from sightline.hjepa.summary import HJEPASummary
from sightline.training.config import to_yaml

if TYPE_CHECKING:
    from sightline.hjepa.trainer import HJEPATrainer

log = logging.getLogger(__name__)

NAME = "README.md"  # what Hugging Face shows of a folder
CARD = """\
---
# license: name one here before you pass the weights on
library_name: sightline
pipeline_tag: image-feature-extraction
tags:
- self-supervised-learning
- joint-embedding-predictive-architecture
- vision-transformer
---

# {name}

H-JEPA: a vision transformer that turns images into features, trained without labels. From some
patches of an image it learned to predict the features of the hidden ones, at {levels}.
{targets}

## Use

```python
from sightline.hjepa import HJEPAModel

model = HJEPAModel.from_pretrained("{run_dir}")
# images: (B, {channels}, {size}, {size}), uint8, or float in 0 .. 1
features = model.extract_features(images)  # (B, {width})
patches = model.extract_features(images, level=0)  # (B, {rows}, {columns}, {width})
model.export("encoder.onnx")  # or .pt2, .safetensors
```

## Results

On {num_images:,} held-out images, with frozen features of the target encoder.

| | untrained | trained |
|---|---|---|
{results}

± is one standard error over the held-out images; what another seed would give is not in it. A loss
compares with itself only, since its targets move.

## Intended use and limits

Features of images like those it was trained on, for neighbours, for linear probes, or as a start
for fine-tuning. The scores above are all that was measured: of one run, on this data. What the
features are worth on other images, and whom they serve worse, was not.

## Data

{data}

## Training

{training}

{environment}

## Model

Patches of {patch_size} x {patch_size} pixels; a training step takes {step_mflop:,.4g} MFLOP an
image.

{parts}

## Configuration

```yaml
{config}```
"""
TARGETS = {
    "ema": "The target encoder, whose features are meant here, is a moving average of the trained "
    "one.",
    "shared": "The trained encoder made the targets, too; there is no second one.",
}


def model_card(trainer: HJEPATrainer, summary: HJEPASummary) -> str:
    """Describe a trained model: nothing but what was set or measured.

    Args:
        trainer: It has trained.
        summary: What the run came to.

    Returns:
        Markdown with the front matter of a Hugging Face model card; the license is left to the
        user.
    """
    config, model = trainer.config, trainer.model
    encoder = model.target_encoder
    rows, columns = encoder.grid_size
    channels, size = encoder.patch_embed.in_channels, config.data.image_size
    costs = measure_costs(model, trainer.masking_fn, (channels, size, size))
    levels = [" x ".join(map(str, grid)) for grid in model.level_grids]
    return CARD.format(
        name=summary.run_dir.name,
        levels=f"{len(levels)} level{'s' * (len(levels) > 1)} of {', '.join(levels)} cells",
        targets=TARGETS[config.model.target_encoder],
        run_dir=summary.run_dir,
        channels=channels,
        size=size,
        width=encoder.width,
        rows=rows,
        columns=columns,
        num_images=summary.num_images,
        results="\n".join(f"| {' | '.join(row)} |" for row in summary.table()),
        data=_data(trainer),
        training=_training(trainer, summary),
        environment=environment_table(_device(trainer.fabric.device)),
        patch_size=encoder.patch_size,
        step_mflop=costs.step_flops / 1e6,
        parts=parts_table(model, costs.forward_flops),
        config=to_yaml(config),
    )


def write_model_card(trainer: HJEPATrainer, summary: HJEPASummary) -> None:
    """Write the card into the run's folder, over that of an earlier session.

    Args:
        trainer: It has trained.
        summary: What the run came to.
    """
    if not trainer.fabric.is_global_zero:
        return
    try:
        summary.run_dir.mkdir(parents=True, exist_ok=True)
        (summary.run_dir / NAME).write_text(model_card(trainer, summary), encoding="utf-8")
    except OSError as error:
        # What was trained is worth more than its description.
        log.error("No model card in %s: %s", summary.run_dir, error)


def _data(trainer: HJEPATrainer) -> str:
    data = trainer.config.data
    source = data.name or data.data_path
    held_out = images_of(trainer.val_loader)
    train = getattr(trainer.train_loader, "dataset", None)
    num_train = f"{len(train):,}" if isinstance(train, Sized) else "streamed"
    return (
        f"`{data.dataset}`{f', `{source}`' if source else ''}: {num_train} training images, "
        f"{len(held_out):,} held-out images, {len(held_out.class_names)} classes, which only the "
        f"probes look at; {data.image_size} x {data.image_size} pixels."
    )


def _training(trainer: HJEPATrainer, summary: HJEPASummary) -> str:
    plan = trainer.settings.epochs
    text = (
        f"{summary.num_steps:,} steps, {summary.num_steps / trainer.steps_per_epoch:.3g} of {plan} "
        f"planned epochs; this session took {duration(summary.seconds)}, probes and logging "
        f"included."
    )
    return text + (f" Stopped early: {summary.stop_reason}." if summary.stop_reason else "")


def _device(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
