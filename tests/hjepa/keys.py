"""What each key of an H-JEPA configuration is changed to, and what else must be set to see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel


class Change(NamedTuple):
    """Another value for a key, and the settings beside which it matters."""

    value: str
    beside: tuple[str, ...] = ()


def leaves(config_cls: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of all keys that are no sections."""
    for name, field in config_cls.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        sections = [
            kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        if sections:
            yield from leaves(sections[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


HUB = (
    "data.dataset=hub",
    "data.data_path=null",
    "data.name={hub}",
    "data.max_unreadable_share=1",
    "data.num_workers=1",
)
STOPPING = (
    "training.epochs=6",
    "evaluation.eval_frequency=1",
    "training.early_stopping={patience: 1, metric: val/loss}",
)
STREAM = (*HUB, "data.streaming=true")

# Where a value cannot be used here, the error that names it is the effect.
CHANGES: dict[str, Change] = {
    "seed": Change("1"),
    "device": Change("nowhere"),
    # The model.
    "model.size": Change("tiny", ("model={patch_size: 2}",)),
    "model.patch_size": Change("1"),
    "model.embed_dim": Change("32"),
    "model.depth": Change("2"),
    "model.num_heads": Change("1"),
    "model.positions": Change("rope"),
    "model.layer_scale": Change("0.1"),
    "model.drop_path_rate": Change("0.5", ("model.depth=2",)),
    "model.activation_checkpointing": Change("true"),
    "model.num_hierarchies": Change("1", ("loss.hierarchy_weights=[1]",)),
    "model.fusion": Change("fpn"),
    "model.target_depths": Change("[1,1,2]", ("model.depth=2",)),
    "model.target_encoder": Change("shared", ("loss.regularization.type=vicreg",)),
    "model.projection.dim": Change("8", ("loss.regularization.type=vicreg",)),
    "model.projection.hidden_dim": Change("8", ("loss.regularization.type=vicreg",)),
    "model.projection.depth": Change("1", ("loss.regularization.type=vicreg",)),
    "model.predictor.embed_dim": Change("16"),
    "model.predictor.depth": Change("2"),
    "model.predictor.num_heads": Change("1"),
    "model.ema.momentum": Change("0.9"),
    "model.ema.momentum_end": Change("0.999"),
    "model.ema.momentum_warmup_epochs": Change("1"),
    # Data.
    "data.dataset": Change("digits"),
    "data.data_path": Change("{other}"),
    "data.name": Change("{other_hub}", HUB),
    "data.subset": Change("none", HUB),
    "data.train_split": Change("test", HUB),
    "data.val_split": Change("test", HUB),
    "data.image_column": Change("second_image", HUB),
    "data.label_column": Change("second_label", HUB),
    "data.streaming": Change("true", HUB),
    "data.shuffle_buffer": Change("2", STREAM),
    "data.max_val_images": Change("21", STREAM),
    "data.max_probe_images": Change("21", STREAM),
    "data.channels": Change("1", HUB),
    "data.cache_dir": Change("null", HUB),
    "data.max_unreadable_share": Change("0", HUB),
    "data.num_workers": Change("3", HUB),
    "data.image_size": Change("16"),
    "data.batch_size": Change("4"),
    "data.augmentation.crop_scale": Change("[0.3, 0.5]"),
    "data.augmentation.rotation_degrees": Change("90"),
    "data.augmentation.translation": Change("0.3"),
    "data.augmentation.scale": Change("0.3"),
    "data.augmentation.shear": Change("0.3"),
    "data.augmentation.horizontal_flip": Change("true"),
    # Masks and loss.
    "masking.num_masks": Change("1"),
    "masking.placement": Change("uniform"),
    "masking.mask_scale": Change("[0.3, 0.4]"),
    "masking.aspect_ratio": Change("[0.3, 0.5]"),
    "masking.context_scale": Change("[0.6, 0.7]"),
    "loss.type": Change("mse"),
    "loss.target_norm": Change("token"),
    "loss.hierarchy_weights": Change("[1, 2, 3]"),
    "loss.hierarchy_weights_end": Change("[3, 2, 1]"),
    "loss.hierarchy_weights_schedule": Change("linear", ("loss.hierarchy_weights_end=[3, 2, 1]",)),
    "loss.regularization.type": Change("vicreg"),
    "loss.regularization.weight": Change("1", ("loss.regularization.type=vicreg",)),
    "loss.regularization.num_directions": Change("3", ("loss.regularization.type=sigreg",)),
    # Training.
    "training.epochs": Change("3"),
    "training.stop_after_epochs": Change("1"),
    "training.warmup_epochs": Change("0"),
    "training.lr": Change("1e-2"),
    "training.min_lr": Change("1e-4"),
    "training.weight_decay": Change("1"),
    "training.weight_decay_end": Change("1"),
    "training.early_stopping.metric": Change("eval/knn_accuracy", STOPPING),
    "training.early_stopping.mode": Change("max", STOPPING),
    "training.early_stopping.patience": Change(
        "2", (*STOPPING, "training.early_stopping.mode=max")
    ),
    "training.early_stopping.min_delta": Change("1", STOPPING),
    "training.optimizer": Change("sgd"),
    "training.clip_grad": Change("1e-3"),
    "training.precision": Change("bf16"),
    "training.compile": Change("true"),
    "training.devices": Change("0"),
    "training.num_nodes": Change("0"),
    "training.strategy": Change("fsdp", ("training.precision=16",)),
    "training.accumulation_steps": Change("2"),
    # Evaluation, checkpoints.
    "evaluation.eval_frequency": Change("1"),
    "evaluation.probes": Change("[knn]"),
    "evaluation.max_images": Change("20"),
    "checkpoint.save_frequency": Change("1", ("evaluation.eval_frequency=1",)),
    "checkpoint.keep_best_n": Change("1", ("checkpoint.save_frequency=1", "training.epochs=4")),
    "checkpoint.checkpoint_dir": Change("{runs}/elsewhere"),
    # Logging.
    "logging.experiment_name": Change("other"),
    "logging.log_dir": Change("{runs}/deeper"),
    "logging.log_frequency": Change("2"),
    "logging.preset": Change("full", ("logging.gradient_frequency=null", "training.epochs=4")),
    "logging.monitor_frequency": Change("1"),
    "logging.gradient_frequency": Change("1"),
    "logging.quality_frequency": Change("1"),
    "logging.histogram_frequency": Change("1"),
    "logging.figure_frequency": Change("4"),
    "logging.system_seconds": Change("1e-6"),
    "logging.wandb.enabled": Change("true"),
    "logging.wandb.project": Change("other", ("logging.wandb.enabled=true",)),
    "logging.wandb.entity": Change("other", ("logging.wandb.enabled=true",)),
    "logging.wandb.tags": Change("[other]", ("logging.wandb.enabled=true",)),
    "logging.tensorboard.enabled": Change("false"),
    # Health.
    "health.enabled": Change("false"),
    "health.on_error": Change("rollback", ("training.epochs=4",)),
    "health.webhook": Change("no address"),
    "health.rollback_lr_factor": Change("0.1", ("health.on_error=rollback", "training.epochs=4")),
    "health.max_rollbacks": Change("1", ("health.on_error=rollback", "training.epochs=4")),
}
