"""Everything that can be set about an H-JEPA run. The keys are those of the YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from sightline.hjepa.encoder import SIZES, Size
from sightline.hjepa.hierarchy import Fusion
from sightline.hjepa.loss import LossKind, TargetNorm
from sightline.hjepa.positions import Positions
from sightline.hjepa.regularization import RegularizationKind
from sightline.training.config import Config
from sightline.training.run_config import (
    CheckpointConfig,
    HealthConfig,
    LoggingConfig,
    NonNegative,
    NonNegativeInt,
    Share,
)
from sightline.training.schedules import OptimizerName

Range = tuple[float, float]


class AugmentationConfig(Config):
    """Random affine views, drawn for each image; all zero leaves images as they are."""

    rotation_degrees: NonNegative = Field(15.0, description="largest turn to either side")
    translation: Share = Field(0.1, description="largest shift, as a share of the image")
    scale: float = Field(0.15, ge=0, lt=1, description="largest relative change of size")
    shear: Share = Field(0.15, description="largest horizontal shear")
    horizontal_flip: bool = Field(False, description="mirror half of the images")


class DataConfig(Config):
    """Which images, at what size, in batches of how many."""

    dataset: Literal["digits", "folder"] = Field(
        "digits",
        description="digits: scikit-learn's 1,797 scans; folder: train/ and val/ class folders",
    )
    data_path: Path | None = Field(None, description="the folder that holds train/ and val/")
    image_size: PositiveInt = Field(8, description="height and width in pixels after resizing")
    batch_size: PositiveInt = Field(128, description="images in a micro-batch")
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="after")
    def _folder_has_a_path(self) -> DataConfig:
        if (self.dataset == "folder") != (self.data_path is not None):
            raise ValueError(
                "data_path goes with dataset: folder, and only with it; give both or neither"
            )
        return self


class EMAConfig(Config):
    """The moving average that makes the target encoder."""

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
    regularization: RegularizationConfig = RegularizationConfig()


class TrainingConfig(Config):
    """How long and how fast."""

    epochs: PositiveInt = Field(100, description="epochs that the schedules are laid out for")
    stop_after_epochs: PositiveInt | None = Field(
        None, description="end the run early without changing its schedules"
    )
    warmup_epochs: NonNegativeInt = Field(10, description="epochs of linear warm-up from 0")
    lr: PositiveFloat = Field(1e-3, description="learning rate after the warm-up")
    min_lr: NonNegative = Field(1e-6, description="learning rate of the last step")
    weight_decay: NonNegative = Field(0.05, description="not on biases, norms and embeddings")
    optimizer: OptimizerName = "adamw"
    clip_grad: PositiveFloat | None = Field(1.0, description="largest gradient norm; null for none")
    use_amp: bool = Field(False, description="bfloat16 mixed precision")
    accumulation_steps: PositiveInt = Field(1, description="micro-batches an optimizer step")


class EvaluationConfig(Config):
    """When the encoder is measured on held-out images."""

    eval_frequency: PositiveInt = Field(10, description="epochs between validations and probes")


class HJEPALoggingConfig(LoggingConfig):
    """What is written while training, and where."""

    experiment_name: str = Field("hjepa", min_length=1, description="name of the run")


class HJEPAConfig(Config):
    """A whole H-JEPA run."""

    seed: NonNegativeInt = 0
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps ...")
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    masking: MaskingConfig = MaskingConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    logging: HJEPALoggingConfig = HJEPALoggingConfig()
    health: HealthConfig = HealthConfig()

    @model_validator(mode="after")
    def _parts_fit(self) -> HJEPAConfig:
        levels, weights = self.model.num_hierarchies, self.loss.hierarchy_weights
        if len(weights) != levels:
            raise ValueError(
                f"expected one of loss.hierarchy_weights for each of the {levels} levels of "
                f"model.num_hierarchies, got {len(weights)}; give {levels} weights"
            )
        return self

    @model_validator(mode="after")
    def _checkpoints_have_a_disk(self) -> HJEPAConfig:
        log_dir = self.logging.log_dir
        if isinstance(log_dir, str) and self.checkpoint.checkpoint_dir is None:
            raise ValueError(
                "expected checkpoint.checkpoint_dir where logging.log_dir is a URL, got none for "
                f"{log_dir}; set it to a local folder, since checkpoints are written to a disk"
            )
        return self
