"""What can be set about an H-JEPA model, its masks and its objective."""

from __future__ import annotations

from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from sightline.hjepa.encoder import SIZES, Size
from sightline.hjepa.hierarchy import Fusion
from sightline.hjepa.loss import LossKind, TargetNorm
from sightline.hjepa.masks import PlacementKind
from sightline.hjepa.model import TargetEncoder
from sightline.hjepa.positions import Positions
from sightline.hjepa.regularization import RegularizationKind
from sightline.training.config import Config
from sightline.training.run_config import NonNegative, NonNegativeInt, Share
from sightline.training.schedule_creation import ScheduleType

Range = tuple[float, float]


class EMAConfig(Config):
    """The moving average that makes the target encoder `ema`."""

    momentum: Share = Field(0.996, description="momentum at the start")
    momentum_end: Share = Field(1.0, description="momentum of the last step")
    momentum_warmup_epochs: NonNegativeInt = Field(
        0, description="epochs before the momentum leaves its start value"
    )


class PredictorConfig(Config):
    """The narrow transformer between context and targets."""

    embed_dim: PositiveInt = Field(48, description="width, a multiple of 4 and of num_heads")
    depth: PositiveInt = Field(2, description="transformer blocks")
    num_heads: PositiveInt = Field(4, description="attention heads")


class ProjectionConfig(Config):
    """The head between features and their regulariser."""

    dim: PositiveInt = Field(64, description="width of the projections")
    hidden_dim: PositiveInt = Field(256, description="width between its linear maps")
    depth: PositiveInt = Field(3, description="linear maps; 1 for no more than that")


class ModelConfig(Config):
    """The encoders, the predictor and the levels."""

    size: Size | None = Field(
        None,
        description="tiny, small, base, large or huge: sets embed_dim, depth and num_heads as "
        "in the vision transformer of that name",
    )
    patch_size: PositiveInt = Field(2, description="patch edge in pixels")
    embed_dim: PositiveInt = Field(64, description="width, a multiple of 4 and of num_heads")
    depth: PositiveInt = Field(3, description="transformer blocks")
    num_heads: PositiveInt = Field(4, description="attention heads")
    positions: Positions = Field(
        "sincos",
        description="sincos: sines and cosines of a place are added; rope: queries and keys are "
        "turned by it",
    )
    layer_scale: PositiveFloat | None = Field(
        None, description="what learned factors of residual branches start from; null for none"
    )
    drop_path_rate: float = Field(
        0.0, ge=0, lt=1, description="stochastic depth: chance of the last block to be left out"
    )
    activation_checkpointing: bool = Field(
        False, description="less memory for a third more work: compute activations twice"
    )
    num_hierarchies: PositiveInt = Field(3, description="levels, each half as fine as the last")
    fusion: Fusion = Field(
        "mean", description="what a level is predicted from: its patches; fpn: coarser levels, too"
    )
    target_depths: tuple[PositiveInt, ...] | None = Field(
        None, description="blocks before each level's targets, the finest first; null for all"
    )
    target_encoder: TargetEncoder = Field(
        "ema",
        description="ema: a moving average of the context encoder; shared: the context encoder "
        "itself, which needs loss.regularization",
    )
    projection: ProjectionConfig | None = Field(
        None, description="head between features and loss.regularization; null for none"
    )
    predictor: PredictorConfig = PredictorConfig()
    ema: EMAConfig = EMAConfig()

    @model_validator(mode="before")
    @classmethod
    def _size_sets_three(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("size") not in SIZES:
            return given
        named = SIZES[given["size"]]
        sizes = {"embed_dim": named.width, "depth": named.depth, "num_heads": named.num_heads}
        for name, value in sizes.items():
            if given.get(name, value) != value:
                raise ValueError(
                    f"expected {name} {value} with size {given['size']}, got {given[name]}; "
                    f"leave out model.{name}, or model.size"
                )
        return {**given, **sizes}


class MaskingConfig(Config):
    """Blocks to predict, and the block to predict them from."""

    num_masks: PositiveInt = Field(4, description="target blocks an image")
    mask_scale: Range = Field((0.15, 0.2), description="area of a target block over the image's")
    aspect_ratio: Range = Field((0.75, 1.5), description="height over width of a target block")
    context_scale: Range = Field((0.85, 1.0), description="area of the context block")
    placement: PlacementKind = Field(
        "even",
        description="even: target blocks lie so that all positions are context about equally "
        "often; uniform: all their places are equally likely",
    )


class RegularizationConfig(Config):
    """What is added to the loss so that features do not collapse."""

    type: RegularizationKind | None = Field(
        None, description="vicreg: spread without redundancy; sigreg: a normal cloud; null for none"
    )
    weight: PositiveFloat = Field(0.1, description="weight beside the levels' losses")
    num_directions: PositiveInt = Field(256, description="random directions of sigreg a step")


class LossConfig(Config):
    """How predictions are compared with targets."""

    type: LossKind = Field("smoothl1", description="distance between prediction and target")
    target_norm: TargetNorm = Field(
        "feature", description="standardise targets per feature over the batch, per token, or not"
    )
    hierarchy_weights: tuple[NonNegative, ...] = Field(
        (1.0, 1.0, 1.0), description="weight of each level, the finest first"
    )
    hierarchy_weights_end: tuple[NonNegative, ...] | None = Field(
        None, description="weights of the last step; null for the same all the time"
    )
    hierarchy_weights_schedule: ScheduleType = Field(
        "cosine", description="how they get there: cosine or linear"
    )
    regularization: RegularizationConfig = RegularizationConfig()
