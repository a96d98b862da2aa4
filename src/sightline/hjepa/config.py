"""Everything that can be set about an H-JEPA run. The keys are those of the YAML files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from sightline.hjepa.data_config import DataConfig
from sightline.hjepa.model_config import LossConfig, MaskingConfig, ModelConfig
from sightline.training.config import Config
from sightline.training.devices import Precision, StrategyName
from sightline.training.probes.neighbours import KNN_NEIGHBOURS
from sightline.training.run_config import (
    CheckpointConfig,
    HealthConfig,
    LoggingConfig,
    NonNegative,
    NonNegativeInt,
)
from sightline.training.schedule_creation import OptimizerName


def _word(given: Any) -> Any:
    return str(given) if isinstance(given, int) else given  # YAML reads 32 as a number


PrecisionName = Annotated[Precision, BeforeValidator(_word)]


class EarlyStoppingConfig(Config):
    """When a run that no longer gets better is ended."""

    metric: Literal["eval/knn_accuracy", "val/loss"] = Field(
        "eval/knn_accuracy",
        description="what must get better; a loss only with care: its targets move along",
    )
    mode: Literal["min", "max"] | None = Field(
        None, description="whether lower or higher is better; null for what suits the metric"
    )
    patience: PositiveInt = Field(5, description="evaluations in a row without a better value")
    min_delta: NonNegative = Field(0.0, description="a better value is better by more than this")


OnlineProbe = Literal["knn", "linear", "few-label"]


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
    weight_decay_end: NonNegative | None = Field(
        None, description="weight decay of the last step, reached as a cosine; null for the same"
    )
    optimizer: OptimizerName = "adamw"
    clip_grad: PositiveFloat | None = Field(1.0, description="largest gradient norm; null for none")
    precision: PrecisionName = Field(
        "32", description="of forward passes: 32, bf16, or 16 with a scaled loss"
    )
    compile: bool = Field(False, description="fuse the operations of each block by torch.compile")
    devices: PositiveInt | Literal["auto"] | None = Field(
        None, description="processes on each machine; null: as torchrun or SLURM started, or 1"
    )
    num_nodes: PositiveInt | None = Field(
        None, description="machines; null: as torchrun or SLURM started, or 1"
    )
    strategy: StrategyName = Field(
        "auto", description="ddp: a whole model on each device; fsdp: a part of it; auto: ddp"
    )
    accumulation_steps: PositiveInt = Field(1, description="micro-batches an optimizer step")
    early_stopping: EarlyStoppingConfig | None = Field(
        None, description="end a run that no longer gets better; null for never"
    )


class EvaluationConfig(Config):
    """When the encoder is measured on held-out images, and how."""

    eval_frequency: PositiveInt = Field(10, description="epochs between validations and probes")
    probes: tuple[OnlineProbe, ...] = Field(
        ("knn", "linear", "few-label"),
        description="what is probed while training; knn ranks the checkpoints",
    )
    max_images: int = Field(
        10_000,
        ge=KNN_NEIGHBOURS,
        description="most images of each set that are probed, evenly by class",
    )

    @model_validator(mode="after")
    def _checkpoints_are_ranked(self) -> EvaluationConfig:
        if "knn" not in self.probes:
            raise ValueError(
                f"expected knn among evaluation.probes, since checkpoints are ranked by it, got "
                f"{list(self.probes)}; add it"
            )
        return self


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
        levels = self.model.num_hierarchies
        for name in ("hierarchy_weights", "hierarchy_weights_end"):
            weights = getattr(self.loss, name)
            if weights is not None and len(weights) != levels:
                raise ValueError(
                    f"expected one of loss.{name} for each of the {levels} levels of "
                    f"model.num_hierarchies, got {len(weights)}; give {levels} weights"
                )
            if weights is not None and not any(weights):
                raise ValueError(
                    f"expected at least one of loss.{name} above 0, got {list(weights)}; raise one"
                )
        return self

    @model_validator(mode="after")
    def _nothing_collapses(self) -> HJEPAConfig:
        if self.loss.regularization.type is not None:
            return self
        if self.model.target_encoder == "shared":
            raise ValueError(
                "expected loss.regularization.type sigreg or vicreg with model.target_encoder "
                "shared, got none; set one of them, or all features become the same"
            )
        if self.model.projection is not None:
            raise ValueError(
                "expected loss.regularization.type sigreg or vicreg with model.projection, got "
                "none; set one of them, or leave out the projection, which nothing else looks at"
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
